package io.octavo.api.identity;

import io.octavo.jobs.identity.Scope;
import io.octavo.jobs.upload.UploadTickets;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.oauth2.server.resource.web.DefaultBearerTokenResolver;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/** Finds the caller of an upload, which the ticket in its query names: such calls come without a key. */
@Component
class UploadCallers {

    private static final PathPattern UPLOADS = PathPatternParser.defaultInstance.parse("/hub/uploads/{sha256}");
    private static final String TICKET = "ticket";
    private static final BearerTokenResolver HEADER = new DefaultBearerTokenResolver();

    private final UploadTickets tickets;

    UploadCallers(UploadTickets tickets) {
        this.tickets = tickets;
    }

    static boolean isUpload(HttpServletRequest request) {
        return request.getMethod().equals(HttpMethod.PUT.name())
                && UPLOADS.matches(PathContainer.parsePath(request.getRequestURI()));
    }

    static @Nullable String token(HttpServletRequest request) {
        return isUpload(request) ? request.getParameter(TICKET) : HEADER.resolve(request);
    }

    Authentication authenticate(Authentication presented) {
        String secret = ((BearerTokenAuthenticationToken) presented).getToken();
        try {
            return tickets.find(secret)
                    .map(ticket -> new Caller(ticket.tenant(), ticket.actor(), Scope.SUBMIT))
                    .orElseThrow(
                            () -> new InvalidBearerTokenException("the upload's ticket is unknown or has expired"));
        } catch (DataAccessException | TransactionException e) {
            throw IdentityUnavailableException.ofDatabase(e);
        }
    }
}
