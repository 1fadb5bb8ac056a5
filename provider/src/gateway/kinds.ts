import { cells } from "./cells";

/** Every kind of gateway. A new kind is one new file and one line here. */
export const gatewayKinds = { cells } as const;

/** The names of the kinds. */
export type GatewayKindName = keyof typeof gatewayKinds;
