// The controls of a collection to a query, and back.

import type { Collection } from "../api/types";

export interface Row {
  field: string;
  modifier: string;
  value: string;
}

export interface Controls {
  rows: Row[];
  /** Name of a field; empty: as the server gives them. */
  sort: string;
  order: "asc" | "desc";
  /** Empty: as the server does without. */
  limit: string;
}

const WITHOUT_VALUE = ["null", "notnull"];

export function needsValue(modifier: string): boolean {
  return !WITHOUT_VALUE.includes(modifier);
}

/** Return how the controls stand for a page. */
export function controlsOf(collection: Collection, search: string): Controls {
  const rows = Object.entries(collection.filters).flatMap(([field, filters]) =>
    (filters ?? []).map(({ value, modifier }) => ({ field, modifier, value })),
  );
  const { sort } = collection;
  const limit = new URLSearchParams(search).get("limit") ?? "";
  return { rows, sort: sort?.name ?? "", order: sort?.order === "desc" ? "desc" : "asc", limit };
}

/** Return the query for controls. search: the present query; what is no control in it is kept, the page is not. */
export function queryOf(controls: Controls, collection: Collection, search: string): string {
  const kept = [...new URLSearchParams(search)].filter(([name]) => !isControl(name, collection));
  const query = new URLSearchParams(kept);
  for (const { field, modifier, value } of controls.rows) {
    if (!field || (needsValue(modifier) && value === "")) continue;
    query.append(modifier === "eq" ? field : `${field}_${modifier}`, needsValue(modifier) ? value : "");
  }
  if (controls.sort) query.set("sort", controls.sort);
  if (controls.sort && controls.order === "desc") query.set("order", "desc");
  if (controls.limit) query.set("limit", controls.limit);
  const text = query.toString();
  return text && `?${text}`;
}

function isControl(name: string, collection: Collection): boolean {
  const field = name in collection.filters ? name : name.slice(0, name.lastIndexOf("_"));
  return ["sort", "order", "limit", "marker"].includes(name) || field in collection.filters;
}

/** Return the query of the first page. */
export function firstPage(search: string): string {
  const query = new URLSearchParams(search);
  query.delete("marker");
  const text = query.toString();
  return text && `?${text}`;
}
