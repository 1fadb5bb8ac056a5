/** The modules of node-forge that are used, by their sub-paths: 5 ms to load against 23 ms for all of it; the package of types has no sub-paths. */
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

declare module "node-forge/lib/util" {
  /** A queue of octets. */
  interface ForgeBuffer {
    getBytes(): string;
    length(): number;
  }

  const util: {
    /** `octets`: one a character. */
    createBuffer(octets: string): ForgeBuffer;
  };
  export = util;
}

declare module "node-forge/lib/rc2" {
  import type { ForgeBuffer } from "node-forge/lib/util";

  interface Cipher {
    readonly output: ForgeBuffer;
    start(iv: string): void;
    update(input: ForgeBuffer): void;
    /** Calls `pad` in place of taking away the padding; false when the input ends within a block, or `pad` says so. */
    finish(pad: () => boolean): boolean;
  }

  const rc2: {
    /** `key`: octets, one a character; `bits`: effective key length. */
    createDecryptionCipher(key: string, bits: number): Cipher;
  };
  export = rc2;
}
