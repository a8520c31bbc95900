// How many queries and mutations a schema has.
import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';

const schema = buildSchema(readFileSync(process.argv[2], 'utf8'));
const types = [schema.getQueryType(), schema.getMutationType()];
console.log(types.reduce((sum, type) => sum + Object.keys(type.getFields()).length, 0));
