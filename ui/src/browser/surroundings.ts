import type { InjectionKey } from "vue";
import type { Surroundings } from "./copyAs";

export const SURROUNDINGS: InjectionKey<Surroundings> = Symbol("surroundings");
