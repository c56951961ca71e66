"use strict";
// Everything is built from text nodes: nothing that the document says is taken for markup.
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};
const METHODS = ["get", "post", "put", "patch", "delete"];
let api;

// What a reference stands for, with what is said beside it.
const resolve = (value) => {
  if (!value || !value.$ref) return value;
  const { $ref, ...beside } = value;
  return { ...$ref.slice(2).split("/").reduce((at, part) => at[part], api), ...beside };
};
const nameOf = (value) => (value.$ref ? value.$ref.split("/").pop() : undefined);

// Text with `code`, **bold** and paragraphs, which is all the Markdown there is.
const prose = (text) =>
  (text ?? "").split("\n\n").map((paragraph) => make("p", {}, ...inline(paragraph)));
const inline = (text) =>
  (text ?? "").split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return make("code", { textContent: part.slice(1, -1) });
    if (part.startsWith("**")) return make("strong", { textContent: part.slice(2, -2) });
    return document.createTextNode(part);
  });

// The limits of a schema in words.
const limits = (schema) => {
  const words = [];
  const range = (least, most, unit) => {
    if (least !== undefined && most !== undefined) words.push(`${least} to ${most}${unit}`);
    else if (most !== undefined) words.push(`up to ${most}${unit}`);
    else if (least !== undefined) words.push(`at least ${least}${unit}`);
  };
  range(schema.minLength, schema.maxLength, " characters");
  range(schema.minimum, schema.maximum, "");
  range(schema.minItems, schema.maxItems, " items");
  if (schema.format) words.push(schema.format);
  if (schema.const !== undefined) words.push(JSON.stringify(schema.const));
  if (schema.enum) {
    const shown = schema.enum.slice(0, 20).map((value) => JSON.stringify(value)).join(" | ");
    words.push(schema.enum.length > 20 ? `${shown} | … ${schema.enum.length} in all` : shown);
  }
  if (schema.default !== undefined) words.push(`default ${JSON.stringify(schema.default)}`);
  return words.join(", ");
};
const typeOf = (given) => {
  const schema = resolve(given) ?? {};
  const type = [schema.type ?? []].flat().join(" or ");
  const parts = schema.oneOf ?? schema.anyOf;
  const whole = parts ? parts.map((part) => resolve(part).title ?? nameOf(part) ?? typeOf(part)).join(" | ") : type;
  const of = schema.items ? ` of ${nameOf(schema.items) ?? typeOf(schema.items)}` : "";
  return [nameOf(given), whole + of, limits(schema)].filter(Boolean).join(" · ");
};

const schemaView = (given, seen = []) => {
  const schema = resolve(given) ?? {};
  const view = make("div", {}, make("div", { className: "type", textContent: typeOf(given) }));
  if (schema.description) view.append(make("p", {}, ...inline(schema.description)));
  if (schema.pattern) view.append(make("p", { className: "type", textContent: `pattern ${schema.pattern}` }));
  if (schema.properties) {
    view.append(make("dl", {}, ...Object.entries(schema.properties).flatMap(([member, value]) => {
      const must = (schema.required ?? []).includes(member);
      return [
        make("dt", {}, make("code", { textContent: member }), make("span", { className: "soft", textContent: must ? " required" : "" })),
        make("dd", {}, inside(value, seen)),
      ];
    })));
  }
  for (const part of [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])]) {
    view.append(inside(part, seen));
  }
  return view;
};
// A schema of members is folded, and built when it is opened: some of them nest deeply.
const inside = (given, seen) => {
  const schema = resolve(given) ?? {};
  const key = nameOf(given);
  if (key && seen.includes(key)) return make("div", { className: "type", textContent: `${key} again` });
  const isDeep = schema.properties || schema.oneOf || schema.allOf || schema.items;
  if (!isDeep) return schemaView(given, seen);
  const folded = make("details", {}, make("summary", { className: "type", textContent: schema.title ?? typeOf(given) }));
  folded.addEventListener("toggle", () => folded.append(schemaView(given, key ? [...seen, key] : seen)), { once: true });
  return folded;
};

const examplesOf = (media) => {
  if (media.examples) return Object.values(media.examples).map((one) => resolve(one).value);
  const schema = resolve(media.schema) ?? {};
  return media.example !== undefined ? [media.example] : schema.examples ?? [];
};
const contentView = (content) =>
  Object.entries(content ?? {}).flatMap(([type, media]) => [
    make("p", {}, make("code", { textContent: type })),
    inside(media.schema, []),
    ...examplesOf(media).map((value) => make("pre", { textContent: JSON.stringify(value, null, 2) })),
  ]);

const parametersView = (parameters) =>
  make("dl", {}, ...parameters.map(resolve).flatMap((one) => [
    make("dt", {}, make("code", { textContent: one.name }),
      make("span", { className: "soft", textContent: ` in ${one.in}${one.required ? ", required" : ""}` })),
    make("dd", {}, make("span", { className: "type", textContent: typeOf(one.schema) }), make("br"), ...inline(one.description),
      ...(one.example === undefined ? [] : [". For example ", make("code", { textContent: [one.example].flat().join(", ") })])),
  ]));

const responseView = ([status, given]) => {
  const response = resolve(given);
  const headers = Object.entries(response.headers ?? {}).map(([header, value]) => ({ name: header, in: "header", ...resolve(value) }));
  const links = Object.values(response.links ?? {}).map(resolve);
  const folded = make("details", {}, make("summary", {}, make("strong", { textContent: `${status} ` }), ...inline(response.description)));
  folded.addEventListener("toggle", () => {
    folded.append(...contentView(response.content), make("h3", { textContent: "Headers" }), parametersView(headers));
    if (links.length) folded.append(make("h3", { textContent: "Leads to" }));
    folded.append(...links.map((link) => make("p", {}, make("a", { href: `#${link.operationId}`, textContent: link.operationId }), ` ${link.description}`)));
  }, { once: true });
  return folded;
};

const operationView = ({ path, method, item, operation }) => {
  const view = make("details", { className: "operation", id: operation.operationId });
  view.append(make("summary", {}, make("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    make("code", { textContent: path }), make("span", { className: "soft", textContent: ` ${operation.summary}` })));
  view.addEventListener("toggle", () => {
    const isPublic = (operation.security ?? api.security).length === 0;
    const body = resolve(operation.requestBody);
    view.append(...prose(operation.description),
      make("p", { className: "soft", textContent: `${operation.operationId} · ${isPublic ? "no token needed" : "needs an access token"}` }),
      make("h3", { textContent: "Parameters" }), parametersView([...(item.parameters ?? []), ...(operation.parameters ?? [])]));
    if (body) view.append(make("h3", { textContent: body.required ? "Body, required" : "Body" }), ...contentView(body.content));
    view.append(make("h3", { textContent: "Answers" }), ...Object.entries(operation.responses).map(responseView));
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
    for (const one of chosen) {
      const view = operationView(one);
      const link = make("a", { href: `#${one.operation.operationId}` }, make("span", { className: `method ${one.method}`, textContent: one.method.toUpperCase() }), one.operation.summary);
      main.append(view);
      contents.append(link);
      entries.push({ view, link, text: `${one.method} ${one.path} ${one.operation.operationId} ${one.operation.summary}`.toLowerCase() });
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
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`the server answers ${answer.status}`))))
  .then((document) => { api = document; show(); })
  .catch((error) => document.getElementById("main").replaceChildren(make("p", { textContent: `The document cannot be read: ${error.message}` })));
