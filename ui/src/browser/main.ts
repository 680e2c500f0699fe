// The API browser: begins with the document that the server put into the page.

import { createApp } from "vue";
import { Schemas, SCHEMAS } from "../api/schemas";
import type { Document } from "../api/types";
import "../style.css";
import Browser from "./Browser.vue";

const embedded = JSON.parse(document.getElementById("document")!.textContent!) as Document;
const { base, keys } = document.body.dataset;

createApp(Browser, { embedded, base: location.origin + base!, withKeys: keys === "yes" })
  .provide(SCHEMAS, new Schemas(base!, location.search))
  .mount("#app");
