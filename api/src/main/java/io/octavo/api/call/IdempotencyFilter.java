package io.octavo.api.call;

import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.jobs.answer.KeptAnswers;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.secret.SecretBox;
import io.octavo.jobs.secret.SecretProperties;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.util.ContentCachingResponseWrapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Gives the same caller the same answer to the same request with the same key. Some answers hold a secret, which the service
 * itself does not know afterwards; so they are sealed with the credential that the call came with, which it does not know
 * either. What was refused changed nothing and is asked anew. A submitted job keeps its key by itself, in one transaction.
 */
@Component
@Order(Ordered.LOWEST_PRECEDENCE)
class IdempotencyFilter extends OncePerRequestFilter {

    private static final Logger LOG = LoggerFactory.getLogger(IdempotencyFilter.class);
    private static final String JOBS = "/api/v1/jobs";

    /** What a model answers is nobody's to keep, and may come for minutes. */
    private static final String SERVED = "/serve/";

    private static final String CREDENTIAL = "caller";

    private final KeptAnswers answers;
    private final HandlerExceptionResolver problems;
    private final JsonMapper json;

    IdempotencyFilter(
            KeptAnswers answers,
            @Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems,
            JsonMapper json) {
        this.answers = answers;
        this.problems = problems;
        this.json = json;
    }

    private record Answer(int status, @Nullable String location, String body) {}

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !request.getMethod().equals(HttpMethod.POST.name())
                || request.getHeader(Problems.IDEMPOTENCY_KEY) == null
                || request.getServletPath().equals(JOBS)
                || request.getServletPath().startsWith(SERVED);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (!(request.getUserPrincipal() instanceof Caller caller)) {
            chain.doFilter(request, response);
            return;
        }
        String body = new String(request.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        String asked = String.join("\n", request.getRequestURI(), String.valueOf(request.getQueryString()), body);
        String id;
        Optional<Answer> earlier;
        try {
            String key = Problems.idempotencyKey(request.getHeader(Problems.IDEMPOTENCY_KEY));
            id = Sha256.hex(String.join("\n", caller.tenant().toString(), caller.getName(), key));
            earlier = answers.begin(id, Sha256.hex(asked))
                    .map(kept -> json.readValue(open(id, kept, request), Answer.class));
        } catch (RuntimeException refusal) {
            problems.resolveException(request, response, null, refusal);
            return;
        }
        if (earlier.isPresent()) {
            repeat(earlier.get(), response);
        } else {
            answer(id, request, new ContentCachingResponseWrapper(response), chain);
        }
    }

    private void answer(
            String id, HttpServletRequest request, ContentCachingResponseWrapper response, FilterChain chain)
            throws ServletException, IOException {
        boolean done = false;
        try {
            chain.doFilter(request, response);
            done = HttpStatus.valueOf(response.getStatus()).is2xxSuccessful();
        } finally {
            settle(id, request, response, done);
            response.copyBodyToResponse();
        }
    }

    /** What was done is done, and answered, though the database may not take the answer. */
    private void settle(String id, HttpServletRequest request, ContentCachingResponseWrapper response, boolean done) {
        try {
            if (done) {
                String body = new String(response.getContentAsByteArray(), StandardCharsets.UTF_8);
                var answer = new Answer(response.getStatus(), response.getHeader(HttpHeaders.LOCATION), body);
                answers.keep(id, box(request).seal(id, json.writeValueAsString(answer)));
            } else {
                answers.forget(id);
            }
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("The answer to an idempotency key could not be kept: {}", e.getMessage());
        }
    }

    /** A caller's token of today does not open what its token of yesterday sealed. */
    private static String open(String id, String kept, HttpServletRequest request) {
        try {
            return box(request).open(id, kept);
        } catch (IllegalStateException e) {
            throw new ProblemException(
                    ProblemCode.IDEMPOTENCY_KEY_REUSED,
                    "the idempotency key was used with another token of this caller, with which alone the answer opens",
                    e);
        }
    }

    /** By the credential, however a client spells the header around it. */
    private static SecretBox box(HttpServletRequest request) {
        String header = String.valueOf(request.getHeader(HttpHeaders.AUTHORIZATION));
        String credential = header.substring(header.indexOf(' ') + 1).strip();
        byte[] key = Sha256.of("octavo kept answer\nBearer " + credential);
        return new SecretBox(
                new SecretProperties(Map.of(CREDENTIAL, Base64.getEncoder().encodeToString(key)), CREDENTIAL));
    }

    private static void repeat(Answer answer, HttpServletResponse response) throws IOException {
        response.setStatus(answer.status());
        if (answer.location() != null) {
            response.setHeader(HttpHeaders.LOCATION, answer.location());
        }
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.getOutputStream().write(answer.body().getBytes(StandardCharsets.UTF_8));
    }
}
