/** The one module of node-forge that is used, by its sub-path: 5 ms to load against 23 ms for all of it; the package of types has no sub-paths. */
declare module "node-forge/lib/asn1" {
  /** A string of which each character is one octet. */
  type Octets = string;

  interface ForgeNode {
    readonly tagClass: number;
    readonly type: number;
    readonly constructed: boolean;
    readonly value: Octets | readonly ForgeNode[];
  }

  interface FromDerOptions {
    readonly strict: boolean;
    readonly parseAllBytes: boolean;
    readonly decodeBitStrings: boolean;
  }

  const asn1: {
    create(tagClass: number, type: number, constructed: boolean, value: Octets | readonly ForgeNode[]): ForgeNode;
    fromDer(octets: Octets, options: FromDerOptions): ForgeNode;
    toDer(node: ForgeNode): { getBytes(): Octets };
    oidToDer(dotted: string): { getBytes(): Octets };
    derToOid(octets: Octets): string;
  };
  export = asn1;
}
