import { newId } from '@smartoken/prisma/ids'
import type { Queryable } from '@smartoken/prisma/ledger'

/** Writes `count` settled requests of an account as the ledger leaves them; returns their ids, oldest first. */
export async function addRequests(
  database: Queryable,
  { accountId, apiKeyId }: { readonly accountId: string; readonly apiKeyId: string },
  count: number,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('request')).toSorted()
  await database.query(
    `insert into request (id, account_id, api_key_id, epoch, endpoint, model_id, model_asked, stream, prompt_bytes,
        max_tokens_sent, route, provider, status, outcome, finish_reason, input_tokens, output_tokens, usage_source,
        price_id, held, charge, opened_at, first_output_at, finished_at)
      select id, $2, $3, 1, '/v1/chat/completions', 'deepseek-v3', 'deepseek-chat', true, 100, 4096, 'deepseek-v3@sandbox',
        'sandbox', 200, 'completed', 'stop', 120, 2147483647, 'provider', 'price_1', 2000000, 143000, now(), now(), now()
      from unnest($1::text[]) as id`,
    [ids, accountId, apiKeyId],
  )
  return ids
}
