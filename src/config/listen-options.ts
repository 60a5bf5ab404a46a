// The options that say where a node listens, and as whom, in the order of --help.

import { list, option } from "./option.ts"
import { filePath, listenAddress, text, whole, yesOrNo } from "./values.ts"

/** See options.ts, of which they are a part. */
export const LISTEN_OPTIONS = {
  port: option({
    schema: whole(0, 65535),
    default: 4233,
    value: "PORT",
    help: "port for browsers; 0 takes a free one",
  }),
  host: option({
    schema: text(/^\S+$/, "must be an address"),
    default: "0.0.0.0",
    value: "ADDRESS",
    help: "address to listen on for browsers",
  }),
  adminListen: option({
    schema: listenAddress,
    default: "",
    defaultText: "127.0.0.1, the port after --port",
    value: "HOST:PORT",
    help: 'where console, metrics and health are for operators; "off" for nowhere',
  }),
  adminHost: list({
    schema: text(/^[\w.-]{1,253}$/, "must be a host name"),
    value: "NAME",
    help: "name operators ask --admin-listen by, besides addresses, localhost and this machine's own name",
  }),
  adminTokenFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    secretLetters: 16,
    help: "file with the token operators must bring (Authorization: Bearer, or as password); /healthz and /readyz stay open",
  }),
  tlsCert: list({
    schema: filePath,
    value: "[NAME=]FILE",
    help: "certificate chain (PEM) for wss and https, for all host names or for NAME; read again when it changes; goes with --tls-key",
  }),
  tlsKey: list({ schema: filePath, value: "[NAME=]FILE", help: "private key (PEM) of the certificate (for NAME)" }),
  hstsSeconds: option({
    schema: whole(0, 63_072_000),
    default: 31_536_000,
    value: "SECONDS",
    help: "how long browsers keep to https (Strict-Transport-Security, with --tls-cert); 0 makes them forget",
  }),
  page: option({
    schema: yesOrNo,
    default: true,
    value: "",
    help: "serve the demo call at /, and the client at /client.js and /mesh.js; --no-page switches both off",
  }),
} as const
