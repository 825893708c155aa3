/** Checks a JSON value against the everyday part of JSON Schema. */

/** @typedef {import("./types.d.ts").Schema} Schema */

/**
 * Says what does not fit, and where; nothing when it fits.
 * @param {Schema} schema
 * @param {any} value
 * @param {string} at the way to the value, empty at the top
 * @returns {string | undefined}
 */
export function misfit(schema, value, at = "") {
  const wrong = misfitItself(schema, value);
  if (wrong !== undefined) return at === "" ? wrong : `${at}: ${wrong}`;
  const { items } = schema;
  if (Array.isArray(value)) {
    return items && first(value, (item, index) => misfit(items, item, `${at}[${index}]`));
  }
  if (!isObject(value)) return undefined;
  const names = [...(schema.required ?? []), ...Object.keys(value)];
  return first(names, (name) => misfitProperty(schema, value, name, at === "" ? name : `${at}.${name}`));
}

/**
 * @param {Schema} schema
 * @param {any} value
 */
function misfitItself(schema, value) {
  const { type, minimum, maximum } = schema;
  if (type !== undefined) {
    const types = typeof type === "string" ? [type] : type;
    if (!types.some((one) => hasType(value, one))) return `${JSON.stringify(value)} is not of type ${types.join(" or ")}`;
  }
  if (schema.enum && !schema.enum.includes(value)) {
    return `${JSON.stringify(value)} is none of ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`;
  }
  if (typeof value !== "number") return undefined;
  if (minimum !== undefined && value < minimum) return `${value} is less than ${minimum}`;
  if (maximum !== undefined && value > maximum) return `${value} is more than ${maximum}`;
  return undefined;
}

/**
 * @param {Schema} schema
 * @param {Record<string, any>} value
 * @param {string} name
 * @param {string} at
 */
function misfitProperty(schema, value, name, at) {
  const { properties, additionalProperties } = schema;
  if (!Object.hasOwn(value, name)) return `${at} is missing`;
  const own = properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (own) return misfit(own, value[name], at);
  if (additionalProperties === false) return `${at} is not known`;
  return typeof additionalProperties === "object" ? misfit(additionalProperties, value[name], at) : undefined;
}

/**
 * @param {any} value
 * @param {string} type
 */
function hasType(value, type) {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** @param {any} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What is wrong with the first of a list with which anything is.
 * @template T
 * @param {readonly T[]} list
 * @param {(item: T, index: number) => string | undefined} wrong
 */
function first(list, wrong) {
  for (const [index, item] of list.entries()) {
    const found = wrong(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}
