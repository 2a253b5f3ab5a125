# syntax=docker/dockerfile:1
# Tags move: docs/security.md explains how to pin the digest.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY scripts ./scripts
COPY src ./src
COPY simulator ./simulator
# Let any user read the build, whatever the file modes of the checkout.
RUN npm run build && chmod -R a+rX dist simulator/dist package.json

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
# Writable by any uid of group 0, which is the group of a uid without an entry in /etc/passwd.
RUN install -d -o 1000 -g 0 -m 0775 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json ./
# Numeric, so that Kubernetes can verify that it is not root.
USER 1000:0
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not npm, so that the process receives signals directly.
CMD ["node", "--enable-source-maps", "dist/main.js"]
