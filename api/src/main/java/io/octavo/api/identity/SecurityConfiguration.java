package io.octavo.api.identity;

import io.octavo.jobs.identity.Scope;
import jakarta.servlet.DispatcherType;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** Which scope each call needs. What is not named here needs one as well: reading for GET, submitting for the rest. */
@Configuration(proxyBeanMethods = false)
@EnableWebSecurity
class SecurityConfiguration {

    private static final String ADMIN = Caller.authority(Scope.ADMIN);
    private static final String DELETE = Caller.authority(Scope.DELETE);
    private static final String SUBMIT = Caller.authority(Scope.SUBMIT);
    private static final String READ = Caller.authority(Scope.READ);

    @Bean
    SecurityFilterChain apiSecurity(
            HttpSecurity http,
            BearerCallers callers,
            UploadCallers uploaders,
            SecurityProblems problems,
            IdentityProperties properties,
            @Qualifier("handlerExceptionResolver") HandlerExceptionResolver resolver) {
        return http.authorizeHttpRequests(calls -> calls.dispatcherTypeMatchers(
                                DispatcherType.ERROR, DispatcherType.ASYNC)
                        .permitAll()
                        .requestMatchers("/actuator/health/**", "/v3/api-docs/**")
                        .permitAll()
                        .requestMatchers("/actuator/**", "/api/v1/tenants/**")
                        .hasAuthority(Caller.OPERATOR)
                        .requestMatchers("/api/v1/keys/**", "/api/v1/webhooks/**", "/api/v1/audit/**")
                        .hasAuthority(ADMIN)
                        // As jobs are cancelled: nothing is lost that could not be served again.
                        .requestMatchers(HttpMethod.DELETE, "/api/v1/deployments/**")
                        .hasAuthority(SUBMIT)
                        .requestMatchers(HttpMethod.DELETE)
                        .hasAuthority(DELETE)
                        .requestMatchers(
                                "/api/v1/repositories/*/*/retention",
                                "/api/v1/repositories/*/*/restore",
                                "/api/v1/repositories/*/*/revisions/*/restore",
                                "/api/v1/artifacts/*/restore")
                        .hasAuthority(DELETE)
                        .requestMatchers("/hub/api/models/*/*/paths-info/*", "/hub/api/validate-yaml") // ask by POST
                        .hasAuthority(READ)
                        .requestMatchers("/hub/api/models/*/*/auth-check/write") // asks for just this
                        .hasAuthority(SUBMIT)
                        // Whoever may ask a model need not be able to do anything else.
                        .requestMatchers("/serve/v1/**")
                        .hasAuthority(READ)
                        .requestMatchers(HttpMethod.GET)
                        .hasAuthority(READ)
                        .requestMatchers(HttpMethod.HEAD)
                        .hasAuthority(READ)
                        .anyRequest()
                        .hasAuthority(SUBMIT))
                .oauth2ResourceServer(server -> server.bearerTokenResolver(UploadCallers::token)
                        .authenticationManagerResolver(
                                request -> UploadCallers.isUpload(request) ? uploaders::authenticate : callers)
                        .authenticationEntryPoint(problems)
                        .accessDeniedHandler(problems))
                .exceptionHandling(
                        failures -> failures.authenticationEntryPoint(problems).accessDeniedHandler(problems))
                .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                // Nothing here is authenticated by a cookie, so no other site can borrow a caller.
                .csrf(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                .requestCache(AbstractHttpConfigurer::disable)
                .addFilterBefore(new RateLimitFilter(properties.rate(), resolver), AuthorizationFilter.class)
                .build();
    }

    /** Files may have any name that repositories allow; the services themselves judge decoded paths. */
    @Bean
    HttpFirewall httpFirewall() {
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        firewall.setAllowUrlEncodedSlash(true);
        firewall.setAllowUrlEncodedDoubleSlash(true);
        firewall.setAllowUrlEncodedPercent(true);
        firewall.setAllowUrlEncodedPeriod(true);
        firewall.setAllowSemicolon(true);
        // The server would drop parameters of a path, and with them what was asked for or the end of a file's name.
        firewall.getEncodedUrlBlocklist().add(";");
        firewall.setAllowUrlEncodedLineFeed(true);
        firewall.setAllowUrlEncodedCarriageReturn(true);
        firewall.setAllowUrlEncodedLineSeparator(true);
        firewall.setAllowUrlEncodedParagraphSeparator(true);
        return firewall;
    }
}
