interface ImportMetaEnv {
  /** Where the catalog's files are; set in astro.config.ts. */
  readonly CATALOG_FOLDER: string
}
