export interface Sample {
  readonly name: string
  readonly code: string
}

/** The shortest call that works, for each of the usual clients. */
export function chatSamples({
  baseUrl,
  model,
}: {
  baseUrl: string
  model: string
}): readonly Sample[] {
  return [
    { name: 'curl', code: curl(baseUrl, model) },
    { name: 'Python', code: python(baseUrl, model) },
    { name: 'TypeScript', code: typescript(baseUrl, model) },
  ]
}

function curl(baseUrl: string, model: string): string {
  return String.raw`curl ${baseUrl}/chat/completions \
  -H "Authorization: Bearer $SMARTOKEN_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "${model}",
    "messages": [{ "role": "user", "content": "Hello!" }]
  }'`
}

function python(baseUrl: string, model: string): string {
  return `import os

from openai import OpenAI

client = OpenAI(
    base_url="${baseUrl}",
    api_key=os.environ["SMARTOKEN_API_KEY"],
)
completion = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello!"}],
)
print(completion.choices[0].message.content)`
}

function typescript(baseUrl: string, model: string): string {
  return `import OpenAI from 'openai'

const client = new OpenAI({
  baseURL: '${baseUrl}',
  apiKey: process.env.SMARTOKEN_API_KEY,
})
const completion = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello!' }],
})
console.log(completion.choices[0]?.message.content)`
}
