// An account that records in the DNS authorise is not deactivated before they end.
import { describe, expect, it, test } from "vitest";
import { acmeAccount } from "../../../../provider/src/lifecycle/acme/account";
import type { Properties } from "../../../../provider/src/lifecycle/lifecycle";
import { newKeyPem } from "../../../support/acme/memory-orders";
import { checked, refused } from "../../../support/engine/lifecycle";
import { rejection } from "../../../support/rejection";

const base = { directory: "letsencrypt", acceptTermsOfService: true };
const destroy = (more: Properties) =>
  acmeAccount.delete?.("id", {
    // nobody answers there: whether the CA was asked shows by the failure
    directoryUrl: "https://127.0.0.1:1/dir",
    accountUrl: "https://127.0.0.1:1/account/1",
    accountKeyPem: newKeyPem(),
    deactivateOnDestroy: true,
    requestTimeoutSeconds: 1,
    ...more,
  }) as Promise<void>;

describe("recordsUntil", () => {
  test.each(["2027-12-31", "2027-12-31T12:00Z", "always"])("may be %s", (recordsUntil) => {
    expect(checked(acmeAccount, { ...base, recordsUntil }).recordsUntil).toBe(recordsUntil);
  });

  test.each(["soon", "2027-02-30", "", 2027])("can't be %s", (recordsUntil) => {
    expect(refused(acmeAccount, { ...base, recordsUntil })).toEqual([
      expect.stringMatching(/^recordsUntil: .*expected a date/),
    ]);
  });

  test.each([
    ["2999-12-31", "until 2999-12-31"],
    ["always", "for good"],
  ])("%s keeps the account from being deactivated, and says how it can be", async (recordsUntil, end) => {
    const error = await rejection(destroy({ recordsUntil }));
    expect(error.message).toBe(
      `ACME_ACCOUNT: the account is not deactivated: records in the DNS authorise it ${end} (recordsUntil), and no certificate that relies on them would renew. Hint: To leave it at the CA, set deactivateOnDestroy: false; to deactivate it, take the records out of the DNS and recordsUntil out of the account. Then run \`pulumi up\`, and destroy again.`,
    );
  });

  it("keeps nobody from destroying the resource alone", async () => {
    await destroy({ recordsUntil: "always", deactivateOnDestroy: false });
  });
});
