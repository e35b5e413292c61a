package dev.tenon.tck.backup;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/** Skips a test that fails where the subject has a limit, and fails one that passes there. */
final class WithinLimits implements InvocationInterceptor {
    private static final int MOST_CHARACTERS = 160;

    @Override
    public void interceptTestMethod(
            Invocation<Void> invocation, ReflectiveInvocationContext<Method> call, ExtensionContext context)
            throws Throwable {
        Map<String, String> limits = ((BackupProviderContract) context.getRequiredTestInstance())
                .subject()
                .limits();
        if (!TestNames.ALL.containsAll(limits.keySet())) {
            invocation.skip();
            throw new AssertionError("a limit is not about a test; the tests are " + TestNames.ALL);
        }
        String reason = limits.get(call.getExecutable().getName());
        if (reason == null) {
            invocation.proceed();
            return;
        }
        try {
            invocation.proceed();
        } catch (TestAbortedException e) {
            throw e;
        } catch (Exception | AssertionError e) {
            throw new TestAbortedException("a limit: " + reason + " (" + firstWords(e) + ")", e);
        }
        throw new AssertionError("the limit is stale, the test passes: " + reason);
    }

    private static String firstWords(Throwable failure) {
        String words = String.valueOf(failure.getMessage()).strip().replaceAll("\\s+", " ");
        return words.length() <= MOST_CHARACTERS ? words : words.substring(0, MOST_CHARACTERS) + " ...";
    }

    private static final class TestNames {
        static final Set<String> ALL = Arrays.stream(BackupProviderContract.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .map(Method::getName)
                .collect(Collectors.toUnmodifiableSet());
    }
}
