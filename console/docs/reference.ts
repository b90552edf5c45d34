// Draws the OpenAPI document of the package that the address names: /docs/{package}.
import "swagger-ui-dist/swagger-ui.css";
// @ts-expect-error the package ships no types for its ES bundle
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

const name = window.location.pathname.split("/").filter(Boolean)[1] ?? "";

SwaggerUI({
  url: `/docs/${encodeURIComponent(name)}/openapi.json`,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  filter: true,
});
