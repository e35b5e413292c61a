package dev.tenon.core.storage.block.storpool;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Speaks to the API over HTTP. Nothing that was sent to change something is ever sent twice; what could not be sent, and
 * questions, are tried again.
 */
final class ApiClient {
    private final StorpoolHost.Limits limits;
    private @Nullable HttpClient http;

    ApiClient(StorpoolHost.Limits limits) {
        this.limits = limits;
    }

    /** Most processes that know the type never use it. */
    private synchronized HttpClient http() {
        if (http == null) {
            http = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(limits.connect())
                    .build();
        }
        return http;
    }

    /** Asks something. */
    Reply get(Settings settings, String call) {
        return send(settings, call, null);
    }

    /** Changes something. */
    Reply post(Settings settings, String call, Object body) {
        try {
            return send(settings, call, JSON.std.asBytes(body));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Reply send(Settings settings, String call, byte @Nullable [] body) {
        boolean isChange = body != null;
        HttpRequest.Builder request = HttpRequest.newBuilder(settings.base().resolve(call))
                .header("Authorization", "Storpool v1:" + settings.token());
        HttpRequest sent =
                (body == null ? request.GET() : request.POST(HttpRequest.BodyPublishers.ofByteArray(body))).build();
        Duration limit = isChange ? limits.change() : limits.read();
        for (int tries = 1; ; tries++) {
            AtomicBoolean hasBegun = new AtomicBoolean();
            CompletableFuture<HttpResponse<byte[]>> answer = http().sendAsync(sent, head -> {
                hasBegun.set(true);
                return HttpResponse.BodySubscribers.ofByteArray();
            });
            try {
                HttpResponse<byte[]> got = answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
                return new Reply(call, isChange, got.statusCode(), got.body());
            } catch (TimeoutException e) {
                answer.cancel(true);
                throw new UnansweredException(
                        StorageError.DEADLINE_EXCEEDED,
                        isChange ? Outcome.UNKNOWN : Outcome.NOT_STARTED,
                        "the StorPool API at " + settings.base() + " has not answered " + call + " within "
                                + shown(limit),
                        hasBegun.get(),
                        e);
            } catch (ExecutionException e) {
                Throwable cause = e.getCause();
                boolean isUnsent = cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException;
                if (tries <= limits.retries() && (isUnsent || !isChange)) {
                    pause(call);
                } else if (isUnsent) {
                    throw new StorageException(
                            StorageError.DEADLINE_EXCEEDED,
                            Outcome.NOT_STARTED,
                            "the StorPool API at " + settings.base() + " cannot be reached, tried " + tries + " times: "
                                    + reason(cause),
                            cause);
                } else {
                    throw new UnansweredException(
                            isChange ? StorageError.STORAGE_UNAVAILABLE : StorageError.DEADLINE_EXCEEDED,
                            isChange ? Outcome.UNKNOWN : Outcome.NOT_STARTED,
                            "the StorPool API at " + settings.base() + " gave no whole answer to " + call + ": "
                                    + reason(cause),
                            hasBegun.get(),
                            cause);
                }
            } catch (InterruptedException e) {
                answer.cancel(true);
                throw interrupted(call, isChange, e);
            }
        }
    }

    private void pause(String call) {
        try {
            Thread.sleep(limits.pause());
        } catch (InterruptedException e) {
            throw interrupted(call, false, e);
        }
    }

    private static StorageException interrupted(String call, boolean isChange, InterruptedException e) {
        Thread.currentThread().interrupt();
        return new StorageException(
                StorageError.CANCELLED,
                isChange ? Outcome.UNKNOWN : Outcome.NOT_STARTED,
                "StorPool's " + call + " was interrupted",
                e);
    }

    private static String shown(Duration limit) {
        return limit.toSeconds() > 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
    }

    private static String reason(@Nullable Throwable cause) {
        String message = cause == null ? null : cause.getMessage();
        return message == null || message.isEmpty()
                ? (cause instanceof ConnectException ? "connection refused" : String.valueOf(cause))
                : message.lines().findFirst().orElse(message);
    }
}
