// Whether a value fits a type of the SDK's declarations: no unknown field, no unknown value.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export class Shapes {
  checked = 0;
  #types = new Map();
  #enums = new Map();

  constructor() {
    const module = fileURLToPath(import.meta.resolve('gocardless-nodejs/types'));
    const file = module.replace(/esm\/types\/Types\.js$/, 'types/types/Types.d.ts');
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
    for (const statement of source.statements) {
      if (ts.isTypeAliasDeclaration(statement)) this.#types.set(statement.name.text, statement.type);
      if (ts.isInterfaceDeclaration(statement)) this.#types.set(statement.name.text, statement);
      if (ts.isEnumDeclaration(statement)) {
        const values = statement.members.map((member) => member.initializer.text);
        this.#enums.set(statement.name.text, new Set(values));
      }
    }
  }

  check(type, value) {
    const node = this.#types.get(type);
    if (!node) throw new Error(`the SDK knows no ${type}`);
    this.#fits(node, value, type);
    this.checked += 1;
  }

  #fits(node, value, path) {
    if (!this.#is(node, value, path)) {
      throw new Error(`${path}: ${JSON.stringify(value)} is not what the SDK expects`);
    }
  }

  #is(node, value, path) {
    switch (node.kind) {
      case ts.SyntaxKind.StringKeyword:
        return typeof value === 'string';
      case ts.SyntaxKind.NumberKeyword:
        return Number.isSafeInteger(value);
      case ts.SyntaxKind.BooleanKeyword:
        return typeof value === 'boolean';
      case ts.SyntaxKind.UnionType:
        return node.types.some((one) => this.#isOne(one, value, path));
      case ts.SyntaxKind.ArrayType:
        return Array.isArray(value) && value.every((one, at) => this.#is(node.elementType, one, `${path}.${at}`));
      case ts.SyntaxKind.TemplateLiteralType:
        return this.#enums.get(node.templateSpans[0].type.typeName.text).has(value);
      case ts.SyntaxKind.TypeLiteral:
      case ts.SyntaxKind.InterfaceDeclaration:
        return this.#isObject(node, value, path);
      case ts.SyntaxKind.TypeReference:
        return this.#isNamed(node.typeName.text, value, path);
      default:
        throw new Error(`${path}: a type of kind ${ts.SyntaxKind[node.kind]}`);
    }
  }

  #isOne(node, value, path) {
    const isNull = ts.isLiteralTypeNode(node) && node.literal.kind === ts.SyntaxKind.NullKeyword;
    return isNull ? value === null : value !== null && this.#is(node, value, path);
  }

  #isObject(node, value, path) {
    if (value === null || typeof value !== 'object') return false;
    const index = node.members.find(ts.isIndexSignatureDeclaration);
    const fields = new Map();
    for (const member of node.members.filter(ts.isPropertySignature)) fields.set(member.name.text, member);
    for (const [name, inner] of Object.entries(value)) {
      const type = fields.get(name)?.type ?? index?.type;
      if (!type) throw new Error(`${path}.${name} is not known to the SDK`);
      this.#fits(type, inner, `${path}.${name}`);
    }
    for (const [name, member] of fields) {
      if (!member.questionToken && !(name in value)) throw new Error(`${path}.${name} is missing`);
    }
    return true;
  }

  #isNamed(name, value, path) {
    if (name === 'JsonMap') return value !== null && typeof value === 'object';
    if (this.#enums.has(name)) return this.#enums.get(name).has(value);
    return this.#is(this.#types.get(name), value, path);
  }
}
