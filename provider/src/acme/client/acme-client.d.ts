import "acme-client";

/** What acme-client 5.4.0 has and its types leave out (its src/http.js). */
declare module "acme-client" {
  /** A JWS in flattened JSON serialisation, RFC 7515 section 7.2.2. */
  interface FlattenedJws {
    readonly protected: string;
    readonly payload: string;
    readonly signature: string;
  }

  interface JwsHeader {
    readonly nonce?: string;
    /** Absent: the header carries the key itself. */
    readonly kid?: string;
  }

  interface Client {
    readonly http: {
      /** ES256, ES384 or RS256 by the key; payload "" gives an empty one. */
      createSignedBody(url: string, payload: unknown, header: JwsHeader): FlattenedJws;
      /** HS256; the key is base64 or base64url. */
      createSignedHmacBody(hmacKey: string, url: string, payload: unknown, header: JwsHeader): FlattenedJws;
    };
  }
}
