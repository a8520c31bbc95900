// One change to a document, which makes it wrong, or leaves it right in a rare way.
import { Kind, parse, print, visit } from 'graphql';

const at = (random, document, kinds, change) => {
  let places = 0;
  const wanted = (node) => kinds.includes(node.kind);
  visit(document, { enter: (node) => void (wanted(node) && places++) });
  if (places === 0) return null;
  let here = random.below(places);
  return visit(document, { enter: (node) => (wanted(node) && here-- === 0 ? change(node) : undefined) });
};

const name = (value) => ({ kind: Kind.NAME, value });
const field = (value, more = {}) => ({ kind: Kind.FIELD, name: name(value), arguments: [], directives: [], ...more });
const literal = (text) => parse(`{ x(y: ${text}) }`).definitions[0].selectionSet.selections[0].arguments[0].value;
const directives = (text) => parse(`{ x ${text} }`).definitions[0].selectionSet.selections[0].directives;
const VALUES = [Kind.INT, Kind.STRING, Kind.FLOAT, Kind.BOOLEAN, Kind.ENUM, Kind.OBJECT, Kind.LIST];
const SPREADS = [Kind.FIELD, Kind.INLINE_FRAGMENT, Kind.FRAGMENT_SPREAD];

const onField = (change) => (random, document) => at(random, document, [Kind.FIELD], (node) => change(node, random));
const addDirectives = (kinds, text) => (random, document) =>
  at(random, document, kinds, (node) => ({ ...node, directives: [...(node.directives ?? []), ...directives(text)] }));
const addSelections = (text) => (random, document) =>
  at(random, document, [Kind.SELECTION_SET], (node) => ({ ...node, selections: [...node.selections, ...parse(`{ ${text} }`).definitions[0].selectionSet.selections] }));
const addDefinitions = (text) => (random, document) =>
  ({ ...document, definitions: [...document.definitions, ...parse(text).definitions] });
const setValue = (text) => (random, document) => at(random, document, VALUES, () => literal(text));
const onOperation = (change) => (random, document) => at(random, document, [Kind.OPERATION_DEFINITION], change);
const addVariables = (text) => onOperation((node) => ({
  ...node, name: node.name ?? name('Op'),
  variableDefinitions: [...(node.variableDefinitions ?? []), ...parse(`query Q(${text}) { x }`).definitions[0].variableDefinitions],
}));

export const CHANGES = {
  'nothing': (random, document) => document,
  'unknown field': onField((node) => ({ ...node, name: name(`${node.name.value}X`) })),
  'no argument': onField((node) => ({ ...node, arguments: node.arguments.slice(1) })),
  'unknown argument': onField((node) => ({ ...node, arguments: [...node.arguments, { kind: Kind.ARGUMENT, name: name('nonsense'), value: literal('1') }] })),
  'argument twice': onField((node) => ({ ...node, arguments: [...node.arguments, ...node.arguments.slice(0, 1)] })),
  'leaf with selection': onField((node) => ({ ...node, selectionSet: parse('{ x }').definitions[0].selectionSet })),
  'no selection': onField((node) => ({ ...node, selectionSet: undefined })),
  'field to __typename': onField((node) => field('__typename')),
  'alias of another field': addSelections('clash: __typename clash: id'),
  'same field, other arguments': onField((node) => ({ ...node, alias: name('clash') })),
  'clash across fragments': addSelections('... { clash: __typename } ... { clash: id }'),
  'clash deep inside': (random, document) => at(random, document, [Kind.SELECTION_SET], (node) => ({ ...node, selections: [...node.selections, ...node.selections.map((selection) => (selection.selectionSet ? { ...selection, selectionSet: parse('{ id: __typename totalCount: __typename }').definitions[0].selectionSet } : selection))] })),
  'field twice': (random, document) => at(random, document, [Kind.SELECTION_SET], (node) => ({ ...node, selections: [...node.selections, node.selections[0]] })),
  'int for a value': setValue('5'),
  'float for a value': setValue('5.5'),
  'string for a value': setValue('"five"'),
  'null for a value': setValue('null'),
  'list for a value': setValue('[1, "2"]'),
  'object for a value': setValue('{nonsense: 1}'),
  'enum for a value': setValue('NONSENSE'),
  'int beyond 32 bits': setValue('3000000000'),
  'int beyond 64 bits': setValue('30000000000000000000000'),
  'variable nobody defines': setValue('$nobody'),
  'skip without if': addDirectives(SPREADS, '@skip'),
  'skip twice': addDirectives(SPREADS, '@skip(if: false) @skip(if: false)'),
  'skip if text': addDirectives(SPREADS, '@skip(if: "no")'),
  'skip if null': addDirectives(SPREADS, '@include(if: null)'),
  'skip unless': addDirectives(SPREADS, '@skip(if: false, unless: true)'),
  'unknown directive': addDirectives(SPREADS, '@nonsense'),
  'deprecated in a document': addDirectives(SPREADS, '@deprecated'),
  'skip of an operation': addDirectives([Kind.OPERATION_DEFINITION, Kind.FRAGMENT_DEFINITION], '@skip(if: false)'),
  '__typename, unknown directive': addSelections('__typename @nonsense'),
  '__typename, skip twice': addSelections('__typename @skip(if: false) @skip(if: true)'),
  '__typename, skip without if': addSelections('__typename @skip'),
  '__typename, skip if 1': addSelections('__typename @include(if: 1)'),
  '__typename, skip if nobody': addSelections('__typename @include(if: $nobody)'),
  '__typename with arguments': addSelections('__typename(x: 1)'),
  '__typename with selection': addSelections('__typename { x }'),
  'unused variable': addVariables('$unused: Int'),
  'variable twice': addVariables('$twice: Int, $twice: Int'),
  'variable of an output type': addVariables('$out: Station'),
  'variable of an unknown type': addVariables('$out: Nonsense'),
  'default of another type': addVariables('$default: Int = "x"'),
  'variable of another type': (random, document) => at(random, document, [Kind.VARIABLE_DEFINITION], (node) => ({ ...node, type: { kind: Kind.NAMED_TYPE, name: name(random.pick(['Int', 'String', 'Boolean', 'ID', 'Float'])) } })),
  'list of a variable': (random, document) => at(random, document, [Kind.VARIABLE_DEFINITION], (node) => ({ ...node, type: { kind: Kind.LIST_TYPE, type: node.type } })),
  'unknown fragment': addSelections('...Nowhere'),
  'unused fragment': addDefinitions('fragment Unused on Station { id }'),
  'fragment on a scalar': addDefinitions('fragment OnScalar on Int { x }'),
  'fragment on an unknown type': addDefinitions('fragment OnNothing on Nonsense { x }'),
  'fragment twice': addDefinitions('fragment Twice on Station { id } fragment Twice on Station { id }'),
  'circular fragment': (random, document) => addSelections('...Circle')(random, addDefinitions('fragment Circle on Station { ...Circle }')(random, document)),
  'impossible fragment': addSelections('... on PageInfo { hasNextPage }'),
  'inline fragment on a scalar': addSelections('... on Int { x }'),
  'inline fragment on an unknown type': addSelections('... on Nonsense { x }'),
  'inline fragment on an input': addSelections('... on SignInInput { tenant }'),
  'second operation': addDefinitions('query Second { __typename }'),
  'second anonymous operation': addDefinitions('{ __typename }'),
  'operation twice': addDefinitions('query Op { __typename } query Op { __typename }'),
  'a type among operations': addDefinitions('type Nonsense { x: Int }'),
  'second root field': onOperation((node) => ({ ...node, selectionSet: { ...node.selectionSet, selections: [...node.selectionSet.selections, field('__typename')] } })),
  'root field again': onOperation((node) => ({ ...node, selectionSet: { ...node.selectionSet, selections: [...node.selectionSet.selections, ...node.selectionSet.selections.map((selection) => ({ ...selection, alias: name('again') }))] } })),
  'another kind of operation': onOperation((node) => ({ ...node, operation: node.operation === 'query' ? 'mutation' : 'query' })),
  'unknown input field': (random, document) => at(random, document, [Kind.OBJECT], (node) => ({ ...node, fields: [...node.fields, { kind: Kind.OBJECT_FIELD, name: name('nonsense'), value: literal('1') }] })),
  'input field twice': (random, document) => at(random, document, [Kind.OBJECT], (node) => ({ ...node, fields: [...node.fields, ...node.fields.slice(0, 1)] })),
  'no input field': (random, document) => at(random, document, [Kind.OBJECT], (node) => ({ ...node, fields: node.fields.slice(1) })),
};

/** Null where the document has no place for the change. */
export function change(kind, random, text) {
  const changed = CHANGES[kind](random, parse(text));
  return changed && print(changed);
}
