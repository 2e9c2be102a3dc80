// Says how a host would start a bundle, by the official package's own rules.
//
//     node bundle.mjs BUNDLE_FOLDER CHOSEN_FOLDER...
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb/node";

const [extensionPath, ...folders] = process.argv.slice(2);
const manifest = JSON.parse(readFileSync(join(extensionPath, "manifest.json"), "utf-8"));
const config = await getMcpConfigForManifest({
  manifest,
  extensionPath,
  systemDirs: {},
  userConfig: folders.length ? { folders } : {},
  pathSeparator: "/",
});
console.log(JSON.stringify(config ?? null));
