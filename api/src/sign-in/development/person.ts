/** The claims of whoever types this name at the development identity provider. `unverified…` has no verified email. */
export const personNamed = (name: string) => ({
  sub: name,
  name,
  email: name.includes('@') ? name : `${name}@localhost`,
  email_verified: !name.startsWith('unverified'),
})
