// A request as something to paste: into a shell (curl, our own command line) or into Python (gdapi).

import type { Json } from "../api/types";

/** A request and what it means: Python speaks of types and ids, not of URLs. */
export interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Absolute. */
  url: string;
  body?: Record<string, Json>;
  /** What the URL names, as far as it is known; a link of a resource has neither. */
  type?: string;
  id?: string;
  action?: string;
}

export interface Surroundings {
  /** Absolute URL below which the types of the page's scope are. */
  base: string;
  /** Whether requests need an API key. */
  withKeys: boolean;
}

export type Language = "curl" | "Python" | "CLI";
export const LANGUAGES: Language[] = ["curl", "Python", "CLI"];

export function write(language: Language, call: Call, around: Surroundings): string {
  if (language === "curl") return asCurl(call, around);
  return language === "Python" ? asPython(call, around) : asCli(call, around);
}

function asCurl(call: Call, around: Surroundings): string {
  const parts = ["curl -sS"];
  if (call.method !== "GET") parts[0] += ` -X ${call.method}`;
  if (around.withKeys) parts.push('-u "$RANCHER_ACCESS_KEY:$RANCHER_SECRET_KEY"');
  parts.push("-H 'Accept: application/json'");
  if (call.body) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(call.body))}`);
  return [...parts, quoted(call.url)].join(" \\\n  ");
}

function asCli(call: Call, around: Surroundings): string {
  const { pathname, search, origin } = new URL(call.url);
  const words = ["trailboss api", call.method, quoted(pathname + search)];
  if (call.body) words.push(quoted(JSON.stringify(call.body)));
  const where = around.withKeys ? "# RANCHER_URL, RANCHER_ACCESS_KEY and RANCHER_SECRET_KEY are set" : "";
  return [where || `export RANCHER_URL=${quoted(origin)}`, words.join(" ")].join("\n");
}

/** Return a text as one word of a shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function asPython(call: Call, around: Surroundings): string {
  const keys = around.withKeys
    ? ['    access_key=os.environ["RANCHER_ACCESS_KEY"],', '    secret_key=os.environ["RANCHER_SECRET_KEY"],']
    : [];
  return [
    ...(around.withKeys ? ["import os"] : []),
    "import gdapi",
    "",
    "client = gdapi.Client(",
    `    url=${literal(`${around.base}/schemas`)},`,
    ...keys,
    ")",
    ...statements(call),
  ].join("\n");
}

function statements(call: Call): string[] {
  const { type, id, body } = call;
  if (call.method === "GET") return [`print(${reading(call)})`];
  if (!id) return [`print(client.create(${literal(type ?? "")}, ${literal(body ?? {})}))`];
  const found = `resource = client.by_id(${literal(type ?? "")}, ${literal(id)})`;
  if (call.method === "PUT") return [found, `print(client.update(resource, ${literal(body ?? {})}))`];
  if (call.method === "DELETE") return [found, "print(client.delete(resource))"];
  const input = body && Object.keys(body).length ? `, ${literal(body)}` : "";
  return [found, `print(client.action(resource, ${literal(call.action ?? "")}${input}))`];
}

function reading(call: Call): string {
  const { type, id } = call;
  const query = [...new URL(call.url).searchParams];
  // gdapi has no words for links, nor for a parameter that is there twice; its _get takes any URL
  if (!type || new Set(query.map(([name]) => name)).size < query.length) return `client._get(${literal(call.url)})`;
  const parameters = query.length ? `, **${literal(Object.fromEntries(query))}` : "";
  return id
    ? `client.by_id(${literal(type)}, ${literal(id)}${parameters})`
    : `client.list(${literal(type)}${parameters})`;
}

/** Return a value as Python writes it. */
export function literal(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([name, each]) => `${JSON.stringify(name)}: ${literal(each)}`)
    .join(", ")}}`;
}
