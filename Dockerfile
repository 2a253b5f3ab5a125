# syntax=docker/dockerfile:1
# Tags can be moved: docs/security.md explains how to pin the digest.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
# npm names the bill of materials after this folder.
WORKDIR /rollcall
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
# The development dependencies are removed from package.json, because npm would report that they are missing; with --omit=dev
# it would leave out production dependencies that development dependencies also need.
RUN npm pkg delete devDependencies && npm sbom --sbom-format=cyclonedx > sbom.cdx.json

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY scripts ./scripts
COPY src ./src
COPY simulator ./simulator
COPY console ./console
# Let any user read the build, whatever the file modes of the checkout.
RUN npm run build && chmod -R a+rX dist simulator/dist package.json

FROM ${NODE_IMAGE}
# Only Node.js itself is needed, and what is absent cannot be vulnerable.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
  /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-v*
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
# Writable by any uid of group 0, which is the group of a uid without an entry in /etc/passwd.
RUN install -d -o 1000 -g 0 -m 0775 /data
COPY --from=dependencies /rollcall/node_modules ./node_modules
COPY --from=dependencies /rollcall/sbom.cdx.json ./
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json ./
# Numeric, so that Kubernetes can verify that it is not root.
USER 1000:0
# The only folder that is written to: the root file system can be read-only.
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not npm, so that the process receives signals directly.
CMD ["node", "--enable-source-maps", "dist/main.js"]
# Last, so that they do not invalidate the layers above.
ARG NODE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Rollcall" \
  org.opencontainers.image.description="Tells backend services who is on a call right now." \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="${NODE_IMAGE}"
