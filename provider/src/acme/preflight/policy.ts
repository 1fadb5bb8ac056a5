import { parse } from "tldts";
import { refuseNonPublic } from "../../network/address-policy";
import { renderQuoted } from "../../text/quoted";
import type { DirectoryMeta } from "../client/directory";
import type { AcmeIdentifier } from "../client/identifier";
import { judgeProfile } from "../limits/profiles";
import type { PreflightFinding } from "../look/finding";

/** What is going to be ordered, and at which CA. */
export interface PolicyRequest {
  readonly directoryUrl: string;
  readonly meta: DirectoryMeta;
  readonly profile?: string;
  /** A wildcard with its `*.`. */
  readonly identifiers: readonly AcmeIdentifier[];
  readonly isPublic: boolean;
}

/** The names are canonical already. A suffix of a company's own, such as github.io, is a name like others to a CA. */
const options = { allowPrivateDomains: false, validateHostname: false, detectIp: false, extractHostname: false };

/** IANA's registry of special-use domain names (RFC 6761), those that a certificate is asked for. */
const specialUse: readonly string[] = [
  ...["alt", "example", "internal", "invalid", "local", "localhost", "onion", "test"],
  ...["example.com", "example.net", "example.org", "home.arpa"],
];
/** No registry gives them out, and nets of companies and homes are full of them: ICANN 2018-02-04-12 for the first three. */
const customary: readonly string[] = ["corp", "home", "mail", "intranet", "lan", "localdomain", "private"];

/**
 * What a CA's policy says against the names and the profile, as far as that is known beforehand. The profile is looked
 * for where the directory lists some; names and addresses are judged for public CAs alone. Labels are not looked at.
 */
export function judgePolicy(request: PolicyRequest): readonly PreflightFinding[] {
  const { isPublic, identifiers } = request;
  const ofNames = isPublic ? identifiers.flatMap(judgeIdentifier) : [];
  return [...judgeOffered(request), ...judgeLimits(request), ...ofNames];
}

function judgeOffered({ meta: { profiles }, profile }: PolicyRequest): readonly PreflightFinding[] {
  const offered = Object.keys(profiles ?? {});
  if (profile === undefined || offered.length === 0 || offered.includes(profile)) return [];
  return [
    {
      severity: "error",
      subject: "the CA",
      found: `it does not offer the profile ${renderQuoted(profile)}, but ${offered.map(renderQuoted).join(", ")}`,
      hint: "Give one of those as profile, or none.",
    },
  ];
}

function judgeLimits({ directoryUrl, profile, identifiers }: PolicyRequest): readonly PreflightFinding[] {
  const refused = judgeProfile(directoryUrl, profile, identifiers);
  if (refused === undefined) return [];
  const [first = "", ...rest] = refused.hint;
  const hint = `${first.toUpperCase()}${rest.join("")}`;
  return [{ severity: "error", subject: "the CA", found: refused.reason.replace(/\.$/, ""), hint }];
}

function judgeIdentifier({ type, value }: AcmeIdentifier): readonly PreflightFinding[] {
  const refuse = (found: string, hint: string, severity: "error" | "warning" = "error") => [
    { severity, subject: value, found, hint },
  ];
  const own = "Take a CA of your own for it: SelfSignedCA, or another directory.";
  if (type === "ip") {
    const reason = refuseNonPublic(value);
    return reason === undefined ? [] : refuse(`it is ${reason}, for which no public CA issues`, own);
  }
  const name = value.replace(/^\*\./, "");
  const within = [...specialUse, ...customary].find((suffix) => name === suffix || name.endsWith(`.${suffix}`));
  if (within !== undefined) {
    return refuse(`the names under ${within} are nobody's in the public DNS, so no public CA issues for them`, own);
  }
  const { isIcann, publicSuffix, domain } = parse(name, options);
  if (isIcann !== true) {
    const found = `the list of public suffixes (publicsuffix.org) of this release has no ${renderQuoted(publicSuffix ?? name)}, and public CAs issue under those alone`;
    return refuse(found, `Look whether the name is right. ${own}`, name.includes(".") ? "warning" : "error");
  }
  if (domain !== null) return [];
  return refuse(`${name} is a public suffix, under which a registry gives out names`, "Name a domain under it.");
}
