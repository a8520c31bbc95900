// Documents that fit the schema.
import {
  getNamedType, isAbstractType, isCompositeType, isEnumType, isInputObjectType,
  isLeafType, isListType, isNonNullType, isRequiredArgument, isRequiredInputField,
} from 'graphql';

const DEPTH = 5;
const LITERALS = {
  Boolean: ['true', 'false'],
  Float: ['0', '1.5', '-33.25', '90'],
  ID: ['"station_0192f0c1d2e37abc8def001122334455"', '"x"', '7'],
  Int: ['0', '1', '42', '-7'],
  String: ['"Ann"', '""', '"""block"""', '"\\u00fc\\n"'],
};
const QUOTED = { CurrencyCode: '"EUR"', DateTime: '"2035-01-01T12:00:00Z"', Decimal: '"12.50"' };

/** One document and values for its variables, as text that mutations can change. */
export class Writer {
  constructor(schema, random) {
    Object.assign(this, { schema, random, variables: new Map(), fragments: new Map(), aliases: 0 });
  }

  document(kind) {
    const root = { query: 'getQueryType', mutation: 'getMutationType', subscription: 'getSubscriptionType' };
    const type = this.schema[root[kind]]();
    const fields = Object.values(type.getFields());
    const most = kind === 'query' ? 3 : 1;
    const chosen = this.random.some(fields, most).map((field) => this.field(field, 1));
    const named = this.random.chance(0.7) || this.variables.size > 0;
    const list = [...this.variables].map(([name, { type: kind }]) => `$${name}: ${kind}`);
    const head = named ? `${kind} Op${list.length ? `(${list.join(', ')})` : ''} ` : kind === 'query' ? '' : `${kind} `;
    const fragments = [...this.fragments].map(([name, text]) => `fragment ${name} ${text}`);
    return { text: [`${head}{ ${chosen.join(' ')} }`, ...fragments].join('\n'), values: this.values() };
  }

  values() {
    return Object.fromEntries([...this.variables].map(([name, { value }]) => [name, value]));
  }

  field(field, depth) {
    const args = field.args.filter((arg) => isRequiredArgument(arg) || this.isWanted(arg));
    const list = args.map((arg) => `${arg.name}: ${this.argument(arg)}`);
    const alias = this.aliases < 8 && this.random.chance(0.15) ? `a${this.aliases++}: ` : '';
    const directive = this.random.chance(0.08) ? ` @${this.random.pick(['skip', 'include'])}(if: ${this.condition()})` : '';
    const selection = isLeafType(getNamedType(field.type)) ? '' : ` { ${this.selection(getNamedType(field.type), depth + 1)} }`;
    return `${alias}${field.name}${list.length ? `(${list.join(', ')})` : ''}${directive}${selection}`;
  }

  /** Pages stay small, so that no document costs too much. */
  isWanted(arg) {
    if (arg.name === 'first') return true;
    return !['last', 'after', 'before', 'ids'].includes(arg.name) && this.random.chance(0.3);
  }

  argument(arg) {
    if (arg.name === 'first') return String(1 + this.random.below(3));
    if (this.random.chance(0.25)) return this.variable(arg.type);
    return this.literal(arg.type, 1);
  }

  condition() {
    if (this.random.chance(0.3)) return this.variable('Boolean!');
    return this.random.pick(LITERALS.Boolean);
  }

  variable(type) {
    const name = `v${this.variables.size}`;
    const value = typeof type === 'string' ? true : this.value(type, 1);
    this.variables.set(name, { type: String(type), value });
    return `$${name}`;
  }

  literal(type, depth) {
    if (isNonNullType(type)) return this.literal(type.ofType, depth);
    if (isListType(type)) return `[${[...Array(this.random.below(3))].map(() => this.literal(type.ofType, depth)).join(', ')}]`;
    if (isEnumType(type)) return this.random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = this.inputFields(type, depth).map((field) => `${field.name}: ${this.literal(field.type, depth + 1)}`);
      return `{${fields.join(', ')}}`;
    }
    return LITERALS[type.name] ? this.random.pick(LITERALS[type.name]) : QUOTED[type.name] ?? '"x"';
  }

  value(type, depth) {
    if (isNonNullType(type)) return this.value(type.ofType, depth);
    if (isListType(type)) return [this.value(type.ofType, depth)];
    if (isEnumType(type)) return this.random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      return Object.fromEntries(this.inputFields(type, depth).map((field) => [field.name, this.value(field.type, depth + 1)]));
    }
    return { Boolean: true, Float: 1.5, Int: 3 }[type.name] ?? (QUOTED[type.name] ? JSON.parse(QUOTED[type.name]) : 'x');
  }

  inputFields(type, depth) {
    const fields = Object.values(type.getFields());
    if (type.isOneOf) return [this.random.pick(fields)];
    return fields.filter((field) => isRequiredInputField(field) || (depth < 3 && this.random.chance(0.3)));
  }

  selection(type, depth) {
    const parts = [];
    if (isAbstractType(type) && this.random.chance(0.7)) {
      const possible = this.random.pick(this.schema.getPossibleTypes(type));
      parts.push(`... on ${possible.name} { ${this.selection(possible, depth + 1)} }`);
    }
    if (this.random.chance(0.2)) parts.push('__typename');
    const fields = typeof type.getFields === 'function' ? Object.values(type.getFields()) : [];
    const shallow = fields.filter((field) => depth < DEPTH || !isCompositeType(getNamedType(field.type)));
    const usable = shallow.filter((field) => !field.args.some(isRequiredArgument));
    if (usable.length) parts.push(...this.random.some(usable, 4).map((field) => this.field(field, depth)));
    const text = parts.length ? parts.join(' ') : '__typename';
    if (this.fragments.size < 4 && this.random.chance(0.12)) return `...${this.fragment(type, text)}`;
    return this.random.chance(0.06) ? `... { ${text} }` : text;
  }

  fragment(type, text) {
    const name = `F${this.fragments.size}`;
    this.fragments.set(name, `on ${type.name} { ${text} }`);
    return name;
  }
}

