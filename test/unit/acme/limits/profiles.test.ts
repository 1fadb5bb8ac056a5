import { expect, it, test } from "vitest";
import { estimateLifetimeDays } from "../../../../provider/src/acme/limits/profiles";

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
const staging = "https://acme-staging-v02.api.letsencrypt.org/directory";

// https://letsencrypt.org/docs/profiles/
test.each<[string, string | undefined, string, number]>([
  [letsEncrypt, undefined, "2026-11-23", 90],
  [letsEncrypt, "classic", "2027-02-09", 90],
  [letsEncrypt, "classic", "2027-02-10", 64],
  [letsEncrypt, "classic", "2028-02-15", 64],
  [staging, "classic", "2028-02-16", 45],
  [staging, "tlsserver", "2026-11-23", 45],
  [letsEncrypt, "shortlived", "2026-11-23", 160 / 24],
  [letsEncrypt, "a-new-one", "2026-11-23", 90],
  ["https://ca.test/dir", "shortlived", "2026-11-23", 90],
])("%s issues by profile %s on %s for %d days", (directory, profile, day, days) => {
  expect(estimateLifetimeDays(directory, profile, new Date(`${day}T12:00:00Z`))).toBe(days);
});

it("a profile with the name of a property of every object is as good as any that is not known", () => {
  for (const profile of ["constructor", "toString", "__proto__"]) {
    expect(estimateLifetimeDays(letsEncrypt, profile, new Date("2026-11-23"))).toBe(90);
  }
});
