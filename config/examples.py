"""Examples for the reference page: one a section, each a part of a file that loads."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "": """
        # Five lines are a whole file: the rest has defaults.
        signals: {prometheus: [{name: main, url: "http://127.0.0.1:9090"}]}
        watch: [{name: errors, service: shop, harm: up, query: 'sum(rate(errors_total[1m]))'}]
        repositories: [{name: shop, url: "https://github.com/acme/shop.git", full_name: acme/shop}]
        deploys: [{prometheus: build_info, commit_label: revision}]
        forge: {token: env:GITHUB_TOKEN}
    """,
    "signals": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          loki: [{name: logs, url: "http://127.0.0.1:3100", selector: '{env="prod"}'}]
    """,
    "signals.prometheus[]": """
        signals:
          prometheus:
            - {name: main, url: "https://prometheus.example", headers: {X-Scope-OrgID: env:TENANT}, timeout: 10s}
    """,
    "signals.prometheus[].auth": """
        signals:
          prometheus: [{name: main, url: "https://prometheus.example", auth: {bearer: "file:/run/secrets/token"}}]
    """,
    "signals.prometheus[].auth.basic": """
        signals:
          prometheus:
            - {name: main, url: "https://prometheus.example", auth: {basic: {username: reader, password: env:PASSWORD}}}
    """,
    "signals.prometheus[].tls": """
        signals:
          prometheus:
            - name: main
              url: https://prometheus.example
              tls: {ca: /etc/ssl/own.pem, cert: /etc/ssl/trackwalker.pem, key: /etc/ssl/trackwalker.key}
    """,
    "signals.loki[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          loki: [{name: logs, url: "http://127.0.0.1:3100", selector: '{namespace="prod"}', service_label: app}]
        watch:   # each template of the error lines is a series; `templates >= error` takes those of that level
          - {name: log-templates, service: shop, source: logs, query: templates, harm: up, severity: note}
    """,
    "signals.alertmanager": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          alertmanager: {url: "http://127.0.0.1:9093"}
    """,
    "signals.sql[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql:
            - name: orders
              url: postgresql+psycopg://reader@db.example/shop
              password: env:ORDERS_PASSWORD
              every: 1h
              query: >-
                select date_trunc('hour', placed) as time, count(*) as value from orders
                where placed >= :start and placed < :end group by 1
        watch: [{name: orders, service: shop, source: orders, harm: down}]
    """,
    "signals.mixpanel[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          mixpanel:
            - name: conversion
              project: 2195193
              zone: Europe/Berlin
              funnel: 7509
              auth: {basic: {username: trackwalker.mp-service-account, password: env:MIXPANEL_SECRET}}
        watch: [{name: conversion, service: shop, source: conversion, harm: down, kind: ratio}]
    """,
    "signals.amplitude[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          amplitude:
            - name: conversion
              zone: Europe/Berlin
              steps: [Checkout Started, Order Placed]
              within: 1h
              auth: {basic: {username: 0a1b2c3d, password: env:AMPLITUDE_SECRET_KEY}}
        watch: [{name: conversion, service: shop, source: conversion, harm: down, kind: ratio}]
    """,
    "signals.ga4[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          ga4:
            - name: buyers
              property: 123456789
              zone: Europe/Berlin
              metric: totalPurchasers
              of: activeUsers
              key: file:/run/secrets/ga4.json
        watch: [{name: buyers, service: shop, source: buyers, harm: down, kind: ratio}]
    """,
    "signals.stripe[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          stripe: [{name: revenue, zone: Europe/Berlin, currency: eur, auth: {bearer: env:STRIPE_RESTRICTED_KEY}}]
        watch: [{name: revenue, service: shop, source: revenue, harm: down}]
    """,
    "signals.posthog[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          posthog:
            - name: conversion
              url: https://eu.posthog.com
              project: 4711
              zone: Europe/Berlin
              auth: {bearer: env:POSTHOG_KEY}
              query: >-
                select toStartOfDay(timestamp) as time, uniqIf(person_id, event = 'order placed') as value,
                uniqIf(person_id, event = 'checkout started') as of from events
                where timestamp >= toDateTime({start}) and timestamp < toDateTime({end})
                group by time order by time limit 10000
        watch: [{name: conversion, service: shop, source: conversion, harm: down, kind: ratio}]
    """,
    "signals.http[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          http:
            - name: refunds
              url: https://shop.example/api
              path: /refunds/daily
              params: {from: "{start_day}", to: "{last_day}"}
              rows: data.items
              time: day
              value: refunded
              of: orders
              labels: {country: customer.country}
              auth: {bearer: env:SHOP_TOKEN}
        watch: [{name: refunds, service: shop, source: refunds, harm: up, kind: ratio}]
    """,
    "signals.http[].pages": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          http:
            - {name: refunds, url: "https://shop.example", path: /refunds, pages: {at: meta.next, param: cursor}}
    """,
    "signals.plugins[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          plugins: [{name: tills, kind: tills, settings: {shop: 7}, secrets: {token: env:TILLS_TOKEN}}]
        watch: [{name: tills, service: shop, source: tills, harm: down}]
    """,
    "watch[]": """
        watch:
          - {name: errors, service: shop, query: 'rate(errors_total[1m])', threshold: 0.05, harm: up, severity: page}
          - {name: sales, service: shop, query: 'sum(rate(sales_total[5m]))', harm: down, tells_of: money}
          - {name: disk, service: shop, query: 'disk_used_bytes', limit: disk_size_bytes, within: 3d, harm: up}
          - {name: memory, service: shop, query: 'container_memory_bytes', requested: memory_request_bytes, harm: up}
          - {name: requests, service: shop, query: 'sum by (route) (rate(requests_total[1m]))', traffic: true}
          - {name: p95, service: shop, query: shop_p95_s, harm: up, kind: latency, controls: [search_p95_s]}
    """,
    "watch[].slo": """
        watch:
          - name: availability
            service: shop
            slo:
              good: sum(rate(http_requests_total{status!~"5.."}[5m]))
              total: sum(rate(http_requests_total[5m]))
              objective: 99.9
              window: 30d
    """,
    "watch[] with by": """
        watch:
          - {name: errors, by: service, query: 'sum by (service) (rate(errors_total[1m]))', harm: up}
    """,
    "watch[] with import": """
        watch:
          - {import: prometheus_rules, match: {severity: "page|critical"}}
    """,
    "catalog": """
        catalog: {service_labels: [service, app], from: [{files: "**/catalog-info.yaml"}]}
    """,
    "catalog.from[]": """
        catalog:
          from: [{prometheus: argocd_app_info, service: "{name}", config_repository: "{repo}"}]
    """,
    "catalog.from[] with files": """
        catalog:
          from: [{files: "**/catalog-info.yaml"}]
    """,
    "services[]": """
        services:
          - {name: shop, repository: shop, paths: ["shop/**"], owners: ["@sre"], runbook: "https://wiki.example/shop"}
    """,
    "services[].config": """
        repositories:
          - {name: shop, url: "https://github.com/acme/shop.git", full_name: acme/shop}
          - {name: gitops, url: "https://github.com/acme/gitops.git", full_name: acme/gitops}
        services:
          - {name: shop, repository: shop, config: {repository: gitops, file: prod/shop.yaml, image_tag: .image.tag}}
    """,
    "services[].tune[]": """
        repositories:
          - {name: shop, url: "https://github.com/acme/shop.git", full_name: acme/shop, bench: python bench.py}
        services:
          - name: shop
            repository: shop
            tune:
              - {file: config/pool.yaml, path: .pool.size, signal: errors, factor: 2, bound: 64}
              - {file: config/http.yaml, path: .timeout, signal: errors, factor: 1.5, bound: 30, unit: s}
              - {file: config/cache.yaml, path: .entries, signal: errors, bound: 100000, answers: improvement}
    """,
    "services[].experiments": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql:
            - {name: shop-db, url: "postgresql+psycopg://reader@db.example/shop", query: select 1 as value}
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        measures:
          - signal: shop/abandonment
            source: shop-db
            kind: share
            query: select customer as unit, at as time from abandoned where at >= :start and at < :end
        services:
          - name: shop
            repository: shop
            experiments:
              flagd: {file: config/flags.json}
              by: country
              exposures:
                source: shop-db
                query: >-
                  select customer as unit, variant, at as time, country from exposures
                  where flag = :flag and at >= :start and at < :end
              levers:
                - name: checkout-button
                  kind: copy
                  flag: checkout_button
                  control: Pay
                  values: [Pay now, Complete the order]
                  moves: [abandonment]
                  because: Customers who know what the button does leave less often.
    """,
    "services[].experiments.unleash": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: db, url: "sqlite:////srv/shop.db", query: select count(*) as value from orders}]
        services:
          - name: shop
            repository: shop
            experiments:
              unleash: {url: "https://unleash.example", token: env:UNLEASH_TOKEN}
              exposures:
                source: db
                query: >-
                  select unit, variant, time from exposures where flag = :flag and time >= :start and time < :end
    """,
    "services[].experiments.launchdarkly": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: db, url: "sqlite:////srv/shop.db", query: select count(*) as value from orders}]
        services:
          - name: shop
            repository: shop
            experiments:
              launchdarkly: {token: env:LAUNCHDARKLY_TOKEN, project: shop}
              exposures:
                source: db
                query: >-
                  select unit, variant, time from exposures where flag = :flag and time >= :start and time < :end
    """,
    "services[].experiments.flagd": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: db, url: "sqlite:////srv/shop.db", query: select count(*) as value from orders}]
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        services:
          - name: shop
            repository: shop
            experiments:
              flagd: {file: flags/shop.json, repository: shop}
              exposures:
                source: db
                query: >-
                  select unit, variant, time from exposures where flag = :flag and time >= :start and time < :end
    """,
    "services[].experiments.exposures": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: db, url: "sqlite:////srv/shop.db", query: select count(*) as value from orders}]
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        services:
          - name: shop
            repository: shop
            experiments:
              flagd: {file: config/flags.json}
              exposures:
                source: db
                query: >-
                  select unit, variant, time, country from exposures
                  where flag = :flag and time >= :start and time < :end
    """,
    "services[].experiments.levers[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: db, url: "sqlite:////srv/shop.db", query: select count(*) as value from orders}]
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        services:
          - name: shop
            repository: shop
            experiments:
              flagd: {file: config/flags.json}
              exposures:
                source: db
                query: >-
                  select unit, variant, time from exposures where flag = :flag and time >= :start and time < :end
              levers:
                - name: search-timeout
                  kind: timeout
                  flag: search_timeout_ms
                  control: 800
                  moves: [abandonment]
                  because: Who waits for a search that never comes leaves.
                - name: empty-cart
                  kind: copy
                  flag: empty_cart
                  control: Your cart is empty.
                  values: [Your cart is empty. Here is what others liked.]
                  moves: [abandonment]
                  because: Who finds nothing in the cart has no way on from there.
                  file: shop/pages.py
    """,
    "measures[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: db, url: "sqlite:////srv/shop.db", query: select count(*) as value from orders}]
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        measures:
          - signal: shop/abandonment
            source: db
            kind: share
            query: select customer as unit, at as time from abandoned where at >= :start and at < :end
    """,
    "segments[]": """
        signals: {prometheus: [{name: main, url: "http://127.0.0.1:9090"}]}
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        segments:
          - name: small-shops
            profile: Owners of one small shop who buy on a phone, between two customers.
            users: {plan: [starter, basic]}
            pains: [the checkout asks for too much, invoices are hard to find]
            benchmarks: {shop/abandonment: 0.31}
            channels: [newsletter]
    """,
    "segments[].price_bands[]": """
        signals: {prometheus: [{name: main, url: "http://127.0.0.1:9090"}]}
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        segments:
          - name: small-shops
            profile: Owners of one small shop.
            price_bands: [{low_cents: 900, high_cents: 2900, currency: EUR}]
    """,
    "segments_from[]": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          sql: [{name: crm, url: "sqlite:////srv/crm.db", query: select count(*) as value from accounts}]
        watch: [{name: abandonment, service: shop, query: shop_abandonment_ratio, harm: up}]
        segments_from:
          - source: crm
            query: select name, about, pains, countries, abandonment from segment_cards
            fields: {profile: about}
            users: {country: countries}
            benchmarks: {shop/abandonment: abandonment}
    """,
    "repositories[]": """
        repositories:
          - name: shop
            url: https://github.com/acme/shop.git
            full_name: acme/shop
            setup: pip install --require-hashes -r requirements.lock
            locks: [requirements.lock]
            test: python -m pytest -q
            reproduce: python reproduce.py
            lint: ruff check --output-format=concise .
    """,
    "repositories[].sandbox": """
        repositories:
          - name: shop
            url: https://github.com/acme/shop.git
            full_name: acme/shop
            sandbox: {image: shop-tests, memory_mib: 1024, timeout: 20m}
    """,
    "repositories[].sandbox.companions[]": """
        repositories:
          - name: shop
            url: https://github.com/acme/shop.git
            full_name: acme/shop
            sandbox:
              image: shop-tests
              companions:
                - {image: "postgres:16"}
                - {image: "acme/cache:7", name: cache, port: 6379, offers: {CACHE_URL: "redis://{host}:{port}"}}
    """,
    "repositories[].sandbox.registry": """
        repositories:
          - name: shop
            url: https://github.com/acme/shop.git
            full_name: acme/shop
            sandbox:
              image: ghcr.io/acme/shop-tests:3
              registry: {username: ci, password: env:REGISTRY_TOKEN}
    """,
    "repositories[].sandbox.setup": """
        repositories:
          - name: shop
            url: https://github.com/acme/shop.git
            full_name: acme/shop
            setup: pip install --require-hashes -r requirements.lock
            locks: [requirements.lock]
            sandbox: {setup: {secrets: {PIP_INDEX_URL: env:PIP_INDEX_URL}, network: packages, timeout: 20m}}
    """,
    "deploys[]": """
        deploys:
          - {prometheus: build_info, commit_label: revision}
          - {prometheus: kube_pod_container_info, image_label: image, service_label: container, source: main}
    """,
    "deploys[] with github_deployments": """
        deploys: [{github_deployments: {environment: production}}]
    """,
    "deploys[].github_deployments": """
        deploys: [{github_deployments: {environment: live}}]
    """,
    "deploys[] with webhook": """
        deploys: [{webhook: argocd, secret: env:ARGOCD_WEBHOOK_TOKEN}]
    """,
    "deploys[] with merge": """
        deploys: [{merge: {delay: 2m}}]
    """,
    "deploys[].merge": """
        deploys: [{merge: {delay: 90s}}]
    """,
    "forge": """
        forge: {token: env:GITHUB_TOKEN, webhook_secret: env:GITHUB_WEBHOOK_SECRET, ci_wait: 2m}
    """,
    "forge.app": """
        forge: {app: {id: 123456, installation: 7890123, key: file:trackwalker.private-key.pem}}
    """,
    "model": """
        model: {provider: anthropic, api_key: env:ANTHROPIC_API_KEY, diagnose: a-model, draft: a-stronger-model}
    """,
    "model.failover[]": """
        model:
          provider: anthropic
          api_key: env:ANTHROPIC_API_KEY
          diagnose: claude-sonnet-5-5
          failover:
            - {provider: openai, api_key: env:OPENAI_API_KEY, diagnose: gpt-5.1}
            - {provider: ollama, diagnose: "qwen3:32b", prices: {"qwen3:32b": {input: 0, output: 0}}}
    """,
    "budget.usd_per_class": """
        budget: {usd_per_day: 5, usd_per_class: {improvement: 0.5}}
    """,
    "model.prices.*": """
        model: {provider: anthropic, api_key: env:KEY, diagnose: our-own, prices: {our-own: {input: 1, output: 5}}}
    """,
    "edits": """
        edits: {candidates: 3, review: true}
    """,
    "edits.loop": """
        edits: {loop: {turns: 8, usd: 0.3}}
    """,
    "sandbox": """
        sandbox: {timeout: 20m, memory_mib: 1024, cpus: 2, pool: 4}
    """,
    "scope": """
        scope: {allow: ["src/**", "config/**"], deny: ["src/billing/**"]}
    """,
    "authority": """
        authority: {default: pull_request}
    """,
    "authority.auto_merge": """
        authority: {default: pull_request, file: trust.yaml, auto_merge: {paths: ["config/**"], veto: 1h}}
    """,
    "budget": """
        budget: {usd_per_day: 2, prs_per_hour: 1, prs_open: 3}
    """,
    "pull_requests": """
        pull_requests: {unanswered: 7d, rounds: 2, repairs: 0, related: 2h, dashboard: false}
    """,
    "schedule": """
        schedule:
          maintenance: [{reason: the database moves, start: "2026-03-01T02:00:00Z", end: "2026-03-01T04:00:00Z"}]
    """,
    "schedule.maintenance[]": """
        schedule:
          maintenance:
            - {reason: weekly patches, services: [shop], weekly: [sun], at: "02:00", lasts: 2h, zone: Europe/Berlin}
    """,
    "flapping": """
        flapping: {times: 3, within: 2h}
    """,
    "alerts": """
        alerts: {mode: direct, receivers: [{name: oncall, slack: env:SLACK_WEBHOOK}]}
    """,
    "alerts.alertmanager": """
        signals:
          prometheus: [{name: main, url: "http://127.0.0.1:9090"}]
          alertmanager: {url: "http://127.0.0.1:9093"}
        alerts: {alertmanager: {receive: true, secret: env:ALERTMANAGER_WEBHOOK_SECRET, post: true}}
    """,
    "alerts.receivers[]": """
        alerts: {receivers: [{name: oncall, slack: env:SLACK_WEBHOOK}]}
    """,
    "alerts.receivers[] with slack_token": """
        alerts:
          receivers:
            - {name: oncall, slack_token: env:SLACK_TOKEN, channel: "#oncall", signing_secret: env:SLACK_SIGNING_SECRET}
    """,
    "alerts.receivers[] with email": """
        alerts: {receivers: [{name: mail, email: sre@example.com, smtp: "127.0.0.1:25", from: bot@example.com}]}
    """,
    "alerts.receivers[] with pagerduty": """
        alerts: {receivers: [{name: pager, pagerduty: env:PAGERDUTY_KEY}]}
    """,
    "alerts.receivers[] with webhook": """
        alerts: {receivers: [{name: hook, webhook: env:HOOK_URL, secret: env:HOOK_SECRET}]}
    """,
    "alerts.receivers[] with file": """
        alerts: {receivers: [{name: kept, file: /var/log/trackwalker/notices.jsonl}]}
    """,
    "alerts.receivers[] with console": """
        alerts: {receivers: [{name: oncall, slack: env:SLACK_WEBHOOK}, {name: log, console: true}]}
    """,
    "alerts.routes[]": """
        alerts:
          receivers: [{name: pager, pagerduty: env:PAGERDUTY_KEY}, {name: chat, slack: env:SLACK_WEBHOOK}]
          routes:
            - {matchers: ['severity="page"'], receiver: pager, group_wait: 10s, continue: true}
            - receiver: chat
              group_by: [service]
              routes: [{matchers: ['kind=~"opened|joined|echo"'], group_wait: 5m}]
    """,
    "alerts.briefing": """
        alerts: {briefing: {at: "08:00", zone: Europe/Berlin}}
    """,
    "schedule.quiet_hours": """
        schedule: {quiet_hours: {from: "22:00", to: "07:00", zone: Europe/Berlin}}
    """,
    "approvals": """
        alerts: {receivers: [{name: oncall, slack: env:SLACK_WEBHOOK}, {name: lead, pagerduty: env:PAGERDUTY_KEY}]}
        approvals: {hour: 30m, backup: [lead], expired: hold}
    """,
    "approvals.deciders[]": """
        approvals:
          deciders: [{name: ada, slack: U024BE7LH, token: env:ADA_TOKEN}]
    """,
    "links": """
        links: {grafana: "https://grafana.example", prometheus: "https://prometheus.example"}
    """,
    "api": """
        api: {listen: "0.0.0.0:8040", token: env:TRACKWALKER_TOKEN, public_url: "https://trackwalker.example"}
    """,
    "runtime": """
        runtime: {executor: threads, lease: 30s}
    """,
    "backup": """
        backup: {folder: /var/backups/trackwalker, keep: 14}
    """,
    "retention": """
        retention: {effects: 30d, cases: 365d, audit: 1825d}
    """,
    "lessons": """
        lessons: {vectors: numpy}
    """,
    "levers": """
        levers: {pause_file: /etc/trackwalker/pause}
    """,
    "observe": """
        observe: {log: json}
    """,
    "detection": """
        detection: {history: 14d, warm_up: 2h, confirm: 3}
    """,
    "diagnosis": """
        diagnosis: {look_back: 48h}
    """,
    "judgement": """
        judgement: {warm_up: 10m, window: 3d, margin: 0.01}
    """,
    "judgement.kill": """
        judgement:
          kill: {worse_by: 5, lasting: 10m}
    """,
    "judgement.brake": """
        judgement:
          brake: {burn: 5, within: 30m}
    """,
    "judgement.brake.crash_loops[]": """
        judgement:
          brake:
            crash_loops: [{query: "sum by (service) (changes(up[10m]))", above: 4}]
    """,
}
"""By section, as `config.reference` names them: the place, and for one of several kinds the key that tells it."""
