import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A site as nginx needs it. */
export interface Served {
  readonly hostnames: readonly string[];
  readonly fullcert: string;
  readonly key: string;
}

/** Writes the configuration and each site's two files into the folder. */
export function writeNginx(folder: string, port: number, sites: Readonly<Record<string, Served>>): void {
  for (const [name, { fullcert, key }] of Object.entries(sites)) {
    writeWhole(join(folder, name, "fullcert.pem"), fullcert, 0o644);
    writeWhole(join(folder, name, "key.pem"), key, 0o600);
  }
  writeWhole(join(folder, "nginx.conf"), renderNginx(port, sites), 0o644);
}

/** Under its name the file is the old one or the new one: an nginx that is reloaded meanwhile never reads a half. */
function writeWhole(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

/** Paths are relative to the folder, which nginx is given as its prefix; nothing is written outside of it. */
function renderNginx(port: number, sites: Readonly<Record<string, Served>>): string {
  const servers = Object.entries(sites).map(
    ([name, { hostnames }]) => `
  server {
    listen 127.0.0.1:${port} ssl;
    server_name ${hostnames.join(" ")};
    ssl_certificate ${name}/fullcert.pem;
    ssl_certificate_key ${name}/key.pem;
    # your application: proxy_pass …
    location / { default_type text/plain; return 200 "this is ${name}\\n"; }
  }`,
  );
  return `worker_processes 1;
pid nginx.pid;
error_log error.log;
events {}
http {
  access_log access.log;
  client_body_temp_path client_body_temp;
  proxy_temp_path proxy_temp;
  fastcgi_temp_path fastcgi_temp;
  uwsgi_temp_path uwsgi_temp;
  scgi_temp_path scgi_temp;
  ssl_protocols TLSv1.2 TLSv1.3;
  # a name that no site has gets no certificate, rather than that of another site
  server {
    listen 127.0.0.1:${port} ssl default_server;
    ssl_reject_handshake on;
  }${servers.join("")}
}
`;
}
