export { startPostgres, type Postgres, type PostgresOptions } from './start.ts'
export { startThrowAwayPostgres } from './throw-away.ts'
export {
  PostgresDataUnusable,
  PostgresFailed,
  PostgresFolderUnwritable,
  PostgresInUse,
} from './errors.ts'
