// JSON whose whole numbers may have 64 bits, as seeds do: those beyond 53 are bigints here. Engines that do not know the
// source of a number, or raw JSON, round them.

export const parse = (text) => JSON.parse(text, (_, value, context) =>
  (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value));

const plain = (value) => (typeof value === "bigint" ? JSON.rawJSON?.(String(value)) ?? Number(value) : value);

export const write = (value, indent) => JSON.stringify(value, (_, one) => plain(one), indent);

/** For reading: pictures are long. */
export const brief = (value) => JSON.stringify(value, (_, one) =>
  (typeof one === "string" && one.length > 600 ? `${one.slice(0, 64)}… (${one.length} characters)` : plain(one)), 2) ?? "";
