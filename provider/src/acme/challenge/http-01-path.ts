/** The folder of RFC 8555 section 8.3, without slash at either end; a file in it is named by its token. */
export const challengeFolder = ".well-known/acme-challenge";
