/** A message of Envoy's API v3 in the JSON form of protocol buffers, field names as in the .proto files. */
export type EnvoyMessage = Readonly<Record<string, unknown>>;

/** A `google.protobuf.Any`: the message with the URL of its type. */
export function typed(type: string, fields: EnvoyMessage = {}): EnvoyMessage {
  return { "@type": `type.googleapis.com/${type}`, ...fields };
}

/** A `google.protobuf.Duration`. */
export function seconds(count: number): string {
  return `${count}s`;
}

/** An `envoy.config.core.v3.CidrRange` of an address or a range in canonical form. */
export function cidrRange(text: string): EnvoyMessage {
  const [address = "", length] = text.split("/");
  return { address_prefix: address, prefix_len: Number(length ?? (address.includes(":") ? 128 : 32)) };
}

/**
 * A file that Envoy reads, and reads again when the link to the set in use is swapped: by default it would look for moves
 * beside the file, and there are none, since sets never change.
 */
export function fileSource(path: string, directory: string): EnvoyMessage {
  return { resource_api_version: "V3", path_config_source: { path, watched_directory: { path: directory } } };
}

/** A `envoy.service.discovery.v3.DiscoveryResponse`, as files of LDS, CDS and SDS hold it; every object on lines of its own. */
export function renderResponse(resources: readonly EnvoyMessage[]): string {
  return renderMessage({ resources });
}

/** JSON, indented by one space: chains of filters are deep, and half of the text would be indentation. */
export function renderMessage(message: EnvoyMessage): string {
  return `${JSON.stringify(message, undefined, 1)}\n`;
}
