// What the v1 API sends: resources, collections, errors and schemas.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = Record<string, Json | undefined>;

export interface Resource {
  id: string;
  type: string;
  links: Record<string, string>;
  actions: Record<string, string>;
  [field: string]: Json | Record<string, string>;
}

export interface Filter {
  value: string;
  modifier: string;
}

export interface Collection {
  type: "collection";
  resourceType: string;
  links: Record<string, string>;
  actions: Record<string, string>;
  createTypes: Record<string, string>;
  createDefaults: Fields;
  data: Resource[];
  filters: Record<string, Filter[] | null>;
  sortLinks: Record<string, string>;
  sort: { name: string; order: string; reverse: string } | null;
  pagination: { next: string | null; limit: number; partial: boolean } | null;
}

export type Document = Resource | Collection;

export interface ApiError {
  type: "error";
  status: number;
  code: string;
  message: string | null;
  detail: string | null;
  fieldName?: string;
}

/** A field of a schema: its type and the rules that the server checks. */
export interface Field {
  type: string;
  create: boolean;
  update: boolean;
  readOnCreateOnly?: boolean;
  nullable?: boolean;
  required?: boolean;
  unique?: boolean;
  default?: Json;
  options?: string[];
  min?: number;
  max?: number;
  minLength?: number;
  maxLength?: number;
  validChars?: string;
  invalidChars?: string;
}

export interface Schema {
  id: string;
  type: "schema";
  links: Record<string, string>;
  pluralName: string;
  resourceFields: Record<string, Field>;
  collectionFilters: Record<string, { modifiers: string[] }>;
  resourceActions: Record<string, { input: string | null; output: string | null }>;
  resourceMethods: string[];
  collectionMethods: string[];
}

export function isCollection(document: Document): document is Collection {
  return document.type === "collection";
}
