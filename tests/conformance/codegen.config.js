/** @type {import('@graphql-codegen/cli').CodegenConfig} */
export default {
  schema: './schema.graphql',
  documents: './clients/codegen/*.ts',
  generates: {
    './clients/codegen/gql/': {
      preset: 'client',
      presetConfig: { persistedDocuments: { mode: 'embedHashInDocument', hashAlgorithm: 'sha256' } },
      config: { useTypeImports: true, strictScalars: true, scalars: { CurrencyCode: 'string', Cursor: 'string', Date: 'string', DateTime: 'string', Decimal: 'string', JSON: 'unknown' } },
    },
  },
};
