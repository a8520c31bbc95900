// GraphQL over HTTP: the audits of npm graphql-http.
import { auditServer } from 'graphql-http';

const url = process.argv[2];
const results = await auditServer({ url: `${url}/graphql` });
const failed = results.filter((result) => result.status !== 'ok');
for (const result of failed) {
  console.error(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
}
console.log(`graphql-http: ${results.length - failed.length} of ${results.length} audits`);
process.exit(failed.length === 0 && results.length >= 61 ? 0 : 1);
