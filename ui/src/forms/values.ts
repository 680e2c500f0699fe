// From a form's values to the body of a request, without the screen: what is sent, and what is left out.
// undefined means "not set" everywhere. Whether a value is right, the server alone says.

import type { Field, Fields, Json } from "../api/types";

export type Mode = "create" | "update";
export type Shape =
  | { kind: "scalar"; type: string }
  | { kind: "reference" | "array" | "map" | "embedded"; type: string };

const SCALARS = ["string", "password", "float", "int", "date", "blob", "boolean", "enum", "json"];

/** Take a type of a schema apart: array[reference[host]] is an array of reference[host]. */
export function shapeOf(type: string): Shape {
  const nested = /^(array|map|reference)\[(.+)\]$/.exec(type);
  if (nested) return { kind: nested[1] as "array" | "map" | "reference", type: nested[2]! };
  return SCALARS.includes(type) ? { kind: "scalar", type } : { kind: "embedded", type };
}

/** Return the fields that a form has, in the order people look for them: required ones, then name and description. */
export function fieldsFor(fields: Record<string, Field>, mode: Mode): Record<string, Field> {
  const rank = (name: string, field: Field) =>
    mode === "create" && field.required ? 0 : name === "name" ? 1 : name === "description" ? 2 : 3;
  const shown = Object.entries(fields).filter(([, field]) => field[mode]);
  shown.sort(([a, f], [b, g]) => rank(a, f) - rank(b, g) || a.localeCompare(b));
  return Object.fromEntries(shown);
}

/** Return what a form begins with: defaults of a new resource, else the values of the present one. */
export function initialValues(fields: Record<string, Field>, present?: Fields): Fields {
  const values = Object.entries(fields).map(([name, field]) => {
    const value = present ? present[name] : field.default;
    return [name, value == null ? undefined : structuredClone(value)];
  });
  return Object.fromEntries(values);
}

/** Return the body of a request: what differs from how the form began. Cleared fields of an update become null. */
export function bodyOf(fields: Record<string, Field>, initial: Fields, values: Fields, mode: Mode): Record<string, Json> {
  const body: Record<string, Json> = {};
  for (const [name, field] of Object.entries(fields)) {
    const before = cleaned(field.type, initial[name]);
    const after = cleaned(field.type, values[name]);
    if (isSame(before, after)) continue;
    if (after !== undefined) body[name] = after;
    else if (mode === "update") body[name] = emptied(field);
  }
  return body;
}

function emptied(field: Field): Json {
  const { kind } = shapeOf(field.type);
  if (kind === "array") return [];
  if (kind === "map") return {};
  return field.nullable ? null : "";
}

/** Return a value without what is not set in it; undefined if nothing is left. JSON is sent as it was written. */
export function cleaned(type: string, value: Json | undefined): Json | undefined {
  if (value == null) return undefined;
  const shape = shapeOf(type);
  if (shape.kind === "array" && Array.isArray(value)) {
    const elements = value.map((each) => cleaned(shape.type, each)).filter((each) => each !== undefined);
    return elements.length ? elements : undefined;
  }
  if ((shape.kind === "map" || shape.kind === "embedded") && typeof value === "object" && !Array.isArray(value)) {
    const inner = shape.kind === "map" ? shape.type : "json";
    const set = Object.entries(value).flatMap(([name, each]) => {
      const kept = cleaned(inner, each);
      return kept === undefined ? [] : [[name, kept] as const];
    });
    return set.length || shape.kind === "embedded" ? Object.fromEntries(set) : undefined;
  }
  return value;
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Return a number for the text of a number field; other text as it is, for the server to refuse in words. */
export function numberOf(text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const number = Number(trimmed);
  // what a JavaScript number cannot hold exactly goes as text, which the API takes too
  return Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : trimmed;
}

/** Return the text of a datetime-local input for a date of the API, and back; both are UTC. */
export function dateInput(value: Json | undefined): string {
  return typeof value === "string" ? value.replace(/Z$/, "") : "";
}

export function dateOf(text: string): string | undefined {
  if (!text) return undefined;
  return (text.length === 16 ? `${text}:00` : text.slice(0, 19)) + "Z";
}

/** Return the rules of a field in words. */
export function rulesOf(field: Field, mode: Mode): string[] {
  const rules: string[] = [];
  if (mode === "create" && field.required) rules.push("required");
  if (field.unique) rules.push("unique");
  rules.push(...range(field.minLength, field.maxLength, "character"), ...range(field.min, field.max, ""));
  if (field.validChars) rules.push(`only ${field.validChars}`);
  if (field.invalidChars) rules.push(`none of ${field.invalidChars}`);
  if (field.default != null) rules.push(`default: ${JSON.stringify(field.default)}`);
  return rules;
}

function range(low: number | undefined, high: number | undefined, unit: string): string[] {
  const counted = (count: number) => (unit ? `${count} ${unit}${count === 1 ? "" : "s"}` : `${count}`);
  if (low !== undefined && high !== undefined) return [`${low} to ${counted(high)}`];
  if (low !== undefined) return [`at least ${counted(low)}`];
  return high !== undefined ? [`at most ${counted(high)}`] : [];
}
