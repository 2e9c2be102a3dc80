// Goes the whole way through the tools with an official TypeScript client, and prints what it saw as one JSON document.
//
//     node walk.mjs v1|v2 stdio RECORDING COMMAND [ARGUMENT...]
//     node walk.mjs v1|v2 http RECORDING URL [TOKEN]
//
// v1 is @modelcontextprotocol/sdk (protocol of 2025), v2 is @modelcontextprotocol/client, held to that of 2026-07-28.
// Both check every structured result against the tool's output schema by themselves.

const [generation, transport, recording, ...rest] = process.argv.slice(2);
const name = { name: "a test", version: "1" };
const IMPATIENT = 30_000;

async function open() {
  if (generation === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return connected(new Client(name), StdioClientTransport, StreamableHTTPClientTransport);
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const client = new Client(name, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  return connected(client, StdioClientTransport, StreamableHTTPClientTransport);
}

async function connected(client, Stdio, Http) {
  if (transport === "stdio") {
    const [command, ...args] = rest;
    await client.connect(new Stdio({ command, args, env: process.env }));
  } else {
    const [url, token] = rest;
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    await client.connect(new Http(new URL(url), { requestInit: { headers } }));
  }
  return client;
}

async function call(client, tool, args, onprogress) {
  const options = { timeout: IMPATIENT, onprogress };
  const wanted = { name: tool, arguments: args };
  return generation === "v1" ? client.callTool(wanted, undefined, options) : client.callTool(wanted, options);
}

async function heard(client, tool, args, seen) {
  // Long work answers with a job; asked again when that is done, the tool has its result.
  for (;;) {
    const told = [];
    seen.progress.push(told);
    const result = await call(client, tool, args, ({ progress }) => told.push(progress));
    const job = result.structuredContent?.job;
    if (!job) return result;
    seen.jobs.push(result.structuredContent);
    while (!(await call(client, "get_job", { job, wait: 5 })).structuredContent.state.match(/done|failed|cancelled/));
  }
}

async function refused(what) {
  try {
    const result = await what;
    return result.isError ? result.content[0].text : null;
  } catch (error) {
    return String(error.message);
  }
}

const client = await open();
const seen = { server: client.getServerVersion(), instructions: client.getInstructions(), progress: [], jobs: [] };
seen.tools = (await client.listTools()).tools;
const added = await heard(client, "add_recording", { path: recording }, seen);
const id = added.structuredContent.id;
seen.transcribed = (await heard(client, "transcribe", { recording: id }, seen)).structuredContent;
seen.diarized = (await heard(client, "diarize", { recording: id, speakers: 2 }, seen)).structuredContent;
seen.read = (await call(client, "read_transcript", { recording: id })).structuredContent;
seen.unknown = await refused(call(client, "read_transcript", { recording: "r_0000000000" }));
seen.outside = await refused(call(client, "add_recording", { path: "/etc/passwd" }));
seen.noSuchTool = await refused(call(client, "delete_everything", {}));
const can = client.getServerCapabilities();
if (can.resources) {
  const { resources } = await client.listResources();
  seen.templates = (await client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate);
  seen.resource = (await client.readResource({ uri: resources.find(({ uri }) => uri.includes(id)).uri })).contents[0];
}
if (can.prompts) {
  const { prompts } = await client.listPrompts();
  const { name, arguments: wanted = [] } = prompts[0];
  const given = Object.fromEntries(wanted.filter((each) => each.required).map((each) => [each.name, id]));
  seen.prompt = (await client.getPrompt({ name, arguments: given })).messages[0];
}
await client.close();
console.log(JSON.stringify(seen));
