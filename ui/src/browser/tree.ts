// What a tree of JSON must know of its page, and which parts of a document begin folded.

import type { InjectionKey, ShallowRef } from "vue";
import type { Resource } from "../api/types";

export interface Tree {
  /** Whether a text is an address of this API. */
  isOurs(text: string): boolean;
  isOpenAtFirst(path: string[], value: object): boolean;
  act(resource: Resource, name: string): void;
  /** Set to unfold or fold everything. */
  all: ShallowRef<{ open: boolean }>;
}

export const TREE: InjectionKey<Tree> = Symbol("tree");

const FOLDED = ["sortLinks", "filters", "createTypes"];
const MANY_ITEMS = 1;
const LONG = 12;
const DEEP = 2;

/** Say whether a part of a document is unfolded at first: not what few people look at, nor long lists of long things. */
export function isOpenAtFirst(path: string[], value: object, isCollection: boolean, items: number): boolean {
  if (!isCollection) return path.length < DEEP || Object.keys(value).length <= LONG;
  if (FOLDED.includes(path[0] ?? "")) return false;
  if (path[0] !== "data" || path.length < 2) return true;
  if (path.length === 2) return items <= MANY_ITEMS;
  return Object.keys(value).length <= LONG;
}
