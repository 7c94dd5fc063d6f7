import { expect } from 'vitest'

/** The error an answer tells, with its status; checked to be OpenAI's envelope, as JSON, under a request id. */
export async function errorOf(answer: Response): Promise<Record<string, unknown>> {
  const text = await answer.text()
  expect([answer.headers.get('content-type'), text]).toEqual([
    'application/json',
    expect.any(String),
  ])
  expect(answer.headers.get('x-request-id')).toMatch(/^req_00[0-9A-Z]{26}$/)
  const body = JSON.parse(text) as { error: Record<string, unknown> }
  expect(body).toEqual({
    error: expect.objectContaining({
      code: expect.stringMatching(/\S/),
      message: expect.stringMatching(/\S/),
      type: expect.stringMatching(/\S/),
    }),
  })
  expect(body.error).toHaveProperty('param')
  return { status: answer.status, ...body.error }
}
