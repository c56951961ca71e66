"use strict";
// Shows the OpenAPI document. The page is built from text nodes, so no text of the document is interpreted as markup.
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};
const METHODS = ["get", "post", "put", "patch", "delete"];
let api;

// The target of a reference, together with the members beside `$ref`; any other value as it is.
const resolve = (value) => {
  if (!value || !value.$ref) return value;
  const { $ref, ...siblings } = value;
  return { ...$ref.slice(2).split("/").reduce((at, part) => at[part], api), ...siblings };
};
const nameOf = (value) => (value.$ref ? value.$ref.split("/").pop() : undefined);

// Renders the Markdown that the document uses: paragraphs, `code` and **bold**.
const prose = (text) =>
  (text ?? "").split("\n\n").map((paragraph) => make("p", {}, ...inline(paragraph)));
const inline = (text) =>
  (text ?? "").split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return make("code", { textContent: part.slice(1, -1) });
    if (part.startsWith("**")) return make("strong", { textContent: part.slice(2, -2) });
    return document.createTextNode(part);
  });

// The constraints of a schema as text.
const limits = (schema) => {
  const parts = [];
  const range = (minimum, maximum, unit) => {
    if (minimum !== undefined && maximum !== undefined) parts.push(`${minimum} to ${maximum}${unit}`);
    else if (maximum !== undefined) parts.push(`at most ${maximum}${unit}`);
    else if (minimum !== undefined) parts.push(`at least ${minimum}${unit}`);
  };
  range(schema.minLength, schema.maxLength, " characters");
  range(schema.minimum, schema.maximum, "");
  range(schema.minItems, schema.maxItems, " items");
  if (schema.format) parts.push(schema.format);
  if (schema.const !== undefined) parts.push(JSON.stringify(schema.const));
  if (schema.enum) {
    const shown = schema.enum.slice(0, 20).map((value) => JSON.stringify(value)).join(" | ");
    parts.push(schema.enum.length > 20 ? `${shown} | … (${schema.enum.length} values)` : shown);
  }
  if (schema.default !== undefined) parts.push(`default ${JSON.stringify(schema.default)}`);
  return parts.join(", ");
};
// The name, type and constraints of a schema as text. `source` is the schema or a reference to it.
const typeOf = (source) => {
  const schema = resolve(source) ?? {};
  const type = [schema.type ?? []].flat().join(" or ");
  const parts = schema.oneOf ?? schema.anyOf;
  const whole = parts ? parts.map((part) => resolve(part).title ?? nameOf(part) ?? typeOf(part)).join(" | ") : type;
  const of = schema.items ? ` of ${nameOf(schema.items) ?? typeOf(schema.items)}` : "";
  return [nameOf(source), whole + of, limits(schema)].filter(Boolean).join(" · ");
};

const schemaView = (source, seen = []) => {
  const schema = resolve(source) ?? {};
  const view = make("div", {}, make("div", { className: "type", textContent: typeOf(source) }));
  if (schema.description) view.append(make("p", {}, ...inline(schema.description)));
  if (schema.pattern) view.append(make("p", { className: "type", textContent: `pattern ${schema.pattern}` }));
  if (schema.properties) {
    view.append(make("dl", {}, ...Object.entries(schema.properties).flatMap(([member, value]) => {
      const isRequired = (schema.required ?? []).includes(member);
      return [
        make("dt", {}, make("code", { textContent: member }), make("span", { className: "soft", textContent: isRequired ? " required" : "" })),
        make("dd", {}, nestedView(value, seen)),
      ];
    })));
  }
  for (const part of [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])]) {
    view.append(nestedView(part, seen));
  }
  return view;
};
// A schema with parts is collapsed and rendered when it is opened, because schemas nest deeply. `seen` are the names of the
// schemas around it; it stops recursive schemas.
const nestedView = (source, seen) => {
  const schema = resolve(source) ?? {};
  const key = nameOf(source);
  if (key && seen.includes(key)) return make("div", { className: "type", textContent: `${key} (recursive)` });
  const hasParts = schema.properties || schema.oneOf || schema.allOf || schema.items;
  if (!hasParts) return schemaView(source, seen);
  const view = make("details", {}, make("summary", { className: "type", textContent: schema.title ?? typeOf(source) }));
  view.addEventListener("toggle", () => view.append(schemaView(source, key ? [...seen, key] : seen)), { once: true });
  return view;
};

const examplesOf = (media) => {
  if (media.examples) return Object.values(media.examples).map((one) => resolve(one).value);
  const schema = resolve(media.schema) ?? {};
  return media.example !== undefined ? [media.example] : schema.examples ?? [];
};
const contentView = (content) =>
  Object.entries(content ?? {}).flatMap(([type, media]) => [
    make("p", {}, make("code", { textContent: type })),
    nestedView(media.schema, []),
    ...examplesOf(media).map((value) => make("pre", { textContent: JSON.stringify(value, null, 2) })),
  ]);

const parametersView = (parameters) =>
  make("dl", {}, ...parameters.map(resolve).flatMap((one) => [
    make("dt", {}, make("code", { textContent: one.name }),
      make("span", { className: "soft", textContent: ` in ${one.in}${one.required ? ", required" : ""}` })),
    make("dd", {}, make("span", { className: "type", textContent: typeOf(one.schema) }), make("br"), ...inline(one.description),
      ...(one.example === undefined ? [] : [". Example: ", make("code", { textContent: [one.example].flat().join(", ") })])),
  ]));

const responseView = ([status, source]) => {
  const response = resolve(source);
  const headers = Object.entries(response.headers ?? {}).map(([header, value]) => ({ name: header, in: "header", ...resolve(value) }));
  const links = Object.values(response.links ?? {}).map(resolve);
  const view = make("details", {}, make("summary", {}, make("strong", { textContent: `${status} ` }), ...inline(response.description)));
  view.addEventListener("toggle", () => {
    view.append(...contentView(response.content), make("h3", { textContent: "Headers" }), parametersView(headers));
    if (links.length) view.append(make("h3", { textContent: "Links" }));
    view.append(...links.map((link) => make("p", {}, make("a", { href: `#${link.operationId}`, textContent: link.operationId }), ` ${link.description}`)));
  }, { once: true });
  return view;
};

const operationView = ({ path, method, item, operation }) => {
  const view = make("details", { className: "operation", id: operation.operationId });
  view.append(make("summary", {}, make("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    make("code", { textContent: path }), make("span", { className: "soft", textContent: ` ${operation.summary}` })));
  view.addEventListener("toggle", () => {
    const isPublic = (operation.security ?? api.security).length === 0;
    const body = resolve(operation.requestBody);
    view.append(...prose(operation.description),
      make("p", { className: "soft", textContent: `${operation.operationId} · ${isPublic ? "no access token required" : "access token required"}` }),
      make("h3", { textContent: "Parameters" }), parametersView([...(item.parameters ?? []), ...(operation.parameters ?? [])]));
    if (body) view.append(make("h3", { textContent: body.required ? "Request body (required)" : "Request body (optional)" }), ...contentView(body.content));
    view.append(make("h3", { textContent: "Responses" }), ...Object.entries(operation.responses).map(responseView));
  }, { once: true });
  return view;
};

const show = () => {
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, item, operation: item[method] })));
  const main = document.getElementById("main");
  const contents = document.getElementById("contents");
  main.replaceChildren(...prose(api.info.description));
  const entries = [];
  for (const tag of api.tags) {
    const chosen = all.filter(({ operation }) => operation.tags.includes(tag.name));
    main.append(make("h2", { textContent: tag.name }), make("p", { className: "soft", textContent: tag.description }));
    contents.append(make("h2", { textContent: tag.name }));
    for (const entry of chosen) {
      const view = operationView(entry);
      const link = make("a", { href: `#${entry.operation.operationId}` }, make("span", { className: `method ${entry.method}`, textContent: entry.method.toUpperCase() }), entry.operation.summary);
      main.append(view);
      contents.append(link);
      entries.push({ view, link, text: `${entry.method} ${entry.path} ${entry.operation.operationId} ${entry.operation.summary}`.toLowerCase() });
    }
  }
  document.getElementById("search").addEventListener("input", ({ target }) => {
    for (const { view, link, text } of entries) {
      view.hidden = link.hidden = !text.includes(target.value.trim().toLowerCase());
    }
  });
  const open = () => {
    const view = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (view instanceof HTMLDetailsElement) { view.open = true; view.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
};

fetch("/api/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`the server returned status ${answer.status}`))))
  .then((document) => { api = document; show(); })
  .catch((error) => document.getElementById("main").replaceChildren(make("p", { textContent: `The OpenAPI document could not be loaded: ${error.message}` })));
