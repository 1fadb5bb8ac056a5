// Dates: the certificates here have short lives, and are judged at a fixed time inside or outside them.
import { validTo } from "./maker.mjs";

const spring = new Date("2026-03-01T00:00:00Z");
const autumn = new Date("2026-09-01T12:34:56Z");
const secondsAfter = (date, seconds) => new Date(date.getTime() + seconds * 1000).toISOString().replace(".000", "");

export function datesCases(maker) {
  const { root, middle } = maker;
  const leaf = maker.server(middle, { from: spring, to: autumn });
  const [oldMiddle, newMiddle] = [
    maker.ca("Intermediate", { issuer: root, to: autumn }),
    maker.ca("Intermediate", { issuer: root, from: spring }),
  ];
  const [oldRoot, newRoot] = [maker.ca("Root", { to: autumn }), maker.ca("Root", { from: spring })];
  const early = "2026-02-01T00:00:00Z";
  const late = "2026-10-01T00:00:00Z";
  const atEnds = (date, seconds) => ({ certificates: [leaf, middle], at: secondsAfter(date, seconds) });
  const below = (issuer) => ({ certificates: [maker.server(issuer), issuer] });
  const direct = (issuer) => ({ certificates: [maker.server(issuer)], roots: [issuer] });
  const expired = "CERTIFICATE_EXPIRED";
  const lastUtcTime = maker.server(middle, { to: new Date("2049-12-31T23:59:59Z") });

  return [
    maker.good("leaf in the middle of its life", { certificates: [leaf, middle] }),
    maker.good("leaf in the first second of its life", atEnds(spring, 0)),
    maker.good("leaf in the last second of its life", atEnds(autumn, -1)),
    // RFC 5280 section 4.1.2.5 still counts this second; openssl does not, nor do we
    maker.bad(
      "leaf in the second that its end names",
      atEnds(autumn, 0),
      expired,
      "CN=leaf expired at 2026-09-01T12:34:56Z",
    ),
    maker.bad(
      "leaf a second before its life",
      atEnds(spring, -1),
      expired,
      "CN=leaf is not valid before 2026-03-01T00:00:00Z",
    ),
    maker.bad("expired leaf", { certificates: [leaf, middle], at: late }, expired, "CN=leaf expired"),
    maker.bad(
      "leaf that is not yet valid",
      { certificates: [leaf, middle], at: early },
      expired,
      "CN=leaf is not valid before",
    ),
    maker.good("intermediate before its end", below(oldMiddle)),
    maker.bad("expired intermediate", { ...below(oldMiddle), at: late }, expired, "CN=Intermediate expired"),
    maker.bad(
      "intermediate that is not yet valid",
      { ...below(newMiddle), at: early },
      expired,
      "CN=Intermediate is not valid before",
    ),
    maker.good("root before its end", direct(oldRoot), ["CN=leaf"]),
    maker.bad("expired root", { ...direct(oldRoot), at: late }, expired, "CN=Root expired"),
    maker.bad("root that is not yet valid", { ...direct(newRoot), at: early }, expired, "CN=Root is not valid before"),
    maker.good("end in the last second that UTCTime can write, judged in it less one", {
      certificates: [lastUtcTime, middle],
      at: "2049-12-31T23:59:58Z",
    }),
    maker.good("end after 2050, in GeneralizedTime, judged in 2055", {
      certificates: [maker.leaf, middle],
      at: "2055-06-01T00:00:00Z",
    }),
    maker.good("end that never comes: 9999-12-31T23:59:59Z", {
      certificates: [maker.server(middle, { to: new Date("9999-12-31T23:59:59Z") }), middle],
    }),
    maker.bad(
      "everything expired",
      { certificates: [maker.leaf, middle], at: secondsAfter(validTo, 0) },
      expired,
      "CN=leaf expired",
    ),
  ];
}
