// The schema as graphql-eslint wants it: schema-recommended and schema-relay.
import graphql from '@graphql-eslint/eslint-plugin';

const recommended = graphql.configs['flat/schema-recommended'].rules;

const VALUES = [
  'AccountStatement', 'AuditChange', 'FleetEvent', 'JobQueue', 'Money', 'PageInfo', 'Penalty', 'PhoneAction',
  'Position', 'PriceLine', 'PriceSegment', 'ProviderOffer', 'ReceiptLine', 'ReceiptParty', 'ReceiptTax',
  'RedirectAction', 'RefusedOperation', 'RegisteredOperation', 'RentalQuoted', 'SdkAction', 'SecondFactorSetup',
  'StatementLine', 'TrialBalance', 'TrialBalanceLine', 'UserError',
];

export default [
  {
    files: ['schema.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: './schema.graphql' } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...recommended,
      ...graphql.configs['flat/schema-relay'].rules,
      // Values and events have no identity; what has one is a Node.
      '@graphql-eslint/strict-id-in-types': ['error', {
        exceptions: {
          suffixes: ['Payload', 'Connection', 'Edge', 'Changed', 'Availability'],
          types: VALUES,
        },
      }],
      // `nodes` stands beside `edges` in every connection; docs/api.md says why.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];
