// The schemas of the page's scope, asked for one by one and kept.

import type { InjectionKey } from "vue";
import { request } from "./client";
import type { Collection, Resource, Schema } from "./types";

/** Parameters that change what a caller sees, and so belong to every request of a page. */
const KEPT = ["_role", "_plainId", "projectId"];

export class Schemas {
  private readonly found = new Map<string, Promise<Schema>>();
  private readonly kept: string;

  /** base: the path below which types are, such as /v1/projects/1a5. search: the query of the page. */
  constructor(
    readonly base: string,
    search = "",
  ) {
    const kept = [...new URLSearchParams(search)].filter(([name]) => KEPT.includes(name));
    this.kept = new URLSearchParams(kept).toString();
  }

  /** Return the schema of a type. Throws Problem 404 if this caller does not see it. */
  get(type: string): Promise<Schema> {
    const key = type.toLowerCase();
    let schema = this.found.get(key);
    if (!schema) {
      schema = request<Schema>("GET", this.with(`${this.base}/schemas/${encodeURIComponent(type)}`));
      this.found.set(key, schema);
    }
    return schema;
  }

  /** Return up to `limit` resources of a type whose names begin with a text; null if it cannot be listed. */
  async list(type: string, prefix: string, limit: number): Promise<Resource[] | null> {
    const schema = await this.get(type);
    const url = schema.links.collection;
    if (!url) return null;
    const query = new URLSearchParams({ limit: String(limit) });
    if (prefix && "name" in schema.collectionFilters) query.set("name_prefix", prefix);
    return (await request<Collection>("GET", this.with(`${url}?${query}`))).data;
  }

  private with(url: string): string {
    if (!this.kept) return url;
    return url + (url.includes("?") ? "&" : "?") + this.kept;
  }
}

export const SCHEMAS: InjectionKey<Schemas> = Symbol("schemas");
