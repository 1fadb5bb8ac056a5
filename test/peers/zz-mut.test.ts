import { writeFileSync } from "node:fs";
import { vi } from "vitest";
import { gatewayFeatures } from "../support/gateway-features";
import { nginxServer } from "../support/gateway-server-nginx";
import { describeWithPeer } from "../support/peer";
const [from, to = ""] = JSON.parse(process.env.MUT ?? "[\"NOTHING\"]");
vi.mock("../../provider/src/gateway/kinds", async (original) => {
  const real: any = await original();
  const { nginx } = real.gatewayKinds;
  const render = (s: any, o: any) => { const r = nginx.render(s, o); const configuration = r.configuration.replace(new RegExp(from, "g"), to);
    if (process.env.DUMP) writeFileSync(process.env.DUMP, r.configuration);
    if (process.env.MUT && configuration === r.configuration) throw new Error("MUTATION DID NOTHING"); return { ...r, configuration }; };
  return { gatewayKinds: { ...real.gatewayKinds, nginx: { ...nginx, render } } };
});
describeWithPeer("nginx", (nginx) => gatewayFeatures(nginxServer(nginx)));
