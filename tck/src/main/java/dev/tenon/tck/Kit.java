package dev.tenon.tck;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestEngine;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.opentest4j.TestAbortedException;

/** Checks the contract of a storage plugin, for programs that are no tests themselves. */
public final class Kit {
    static final ScopedValue<Supplier<Subject>> SUBJECTS = ScopedValue.newInstance();

    private static final String ENGINE = "junit-jupiter";
    private static final int MILLIS = 1000;

    /** How long a test may take if nothing else is said. */
    public static final Duration USUAL_LIMIT = Duration.ofMinutes(10);

    private Kit() {}

    /**
     * How tests are made.
     *
     * @param limit how long each may take, at least 1 ms. Its thread is interrupted then, and it fails; so may what it
     *     does to begin and to clean up
     * @param begins is told of each test when it begins, as {@link Checked#title}
     * @param results is told of each test when it was made
     */
    public record Conduct(Duration limit, Consumer<String> begins, Consumer<Checked> results) {}

    private static Conduct usually(Consumer<Checked> results) {
        return new Conduct(USUAL_LIMIT, title -> {}, results);
    }

    /**
     * Makes all tests of these profiles, one after the other, on this thread.
     *
     * @param subjects gives each test its subject. A storage of its own for each keeps what one test leaves from failing
     *     the next; the same one for all must be empty
     * @param results is told of each test when it was made
     * @throws IllegalStateException if the tests could not be made
     */
    public static void check(Set<Profile> profiles, Supplier<Subject> subjects, Consumer<Checked> results) {
        check(profiles, subjects, usually(results));
    }

    /** The same, watched, and with another limit of time. */
    public static void check(Set<Profile> profiles, Supplier<Subject> subjects, Conduct conduct) {
        ScopedValue.where(SUBJECTS, subjects).run(() -> check(CheckedContract.class, profiles, conduct));
    }

    /**
     * Makes all tests of a contract that are of these profiles, one after the other, on this thread.
     *
     * @param contract a class of tests, each with a {@link Check} and a profile
     * @param results is told of each test when it was made
     * @throws IllegalStateException if the tests could not be made
     */
    public static void check(Class<?> contract, Set<Profile> profiles, Consumer<Checked> results) {
        check(contract, profiles, usually(results));
    }

    /** The same, watched, and with another limit of time. */
    public static void check(Class<?> contract, Set<Profile> profiles, Conduct conduct) {
        PostDiscoveryFilter ofProfiles = descriptor -> FilterResult.includedIf(descriptor
                .getSource()
                .flatMap(Kit::method)
                .map(method -> profiles.contains(profile(method)))
                .orElse(true));
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectClass(contract))
                .filters(ofProfiles)
                // what a program has on its class path is not meant for these tests
                .enableImplicitConfigurationParameters(false)
                .configurationParameter(
                        "junit.jupiter.execution.timeout.default",
                        conduct.limit().toMillis() + " ms")
                .build();
        Listener listener = new Listener(conduct);
        LauncherFactory.create(launcher()).execute(request, listener);
        listener.rethrow();
    }

    /** JUnit without what a program's class path adds to it. */
    private static LauncherConfig launcher() {
        TestEngine engine = ServiceLoader.load(TestEngine.class, Kit.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(found -> found.getId().equals(ENGINE))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the class path has no JUnit engine " + ENGINE));
        return LauncherConfig.builder()
                .enableTestEngineAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false)
                .enableLauncherDiscoveryListenerAutoRegistration(false)
                .enableTestExecutionListenerAutoRegistration(false)
                .enablePostDiscoveryFilterAutoRegistration(false)
                .addTestEngines(engine)
                .build();
    }

    /** The names of all tests of storages. */
    public static Set<String> checks() {
        return checks(StoragePluginContract.class);
    }

    /** The names of the tests of a contract. */
    public static Set<String> checks(Class<?> contract) {
        return Stream.of(contract.getMethods(), contract.getDeclaredMethods())
                .flatMap(Arrays::stream)
                .filter(method -> method.isAnnotationPresent(Check.class))
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Optional<Method> method(TestSource source) {
        return source instanceof MethodSource method ? Optional.of(method.getJavaMethod()) : Optional.empty();
    }

    private static Profile profile(Method method) {
        OfProfile own = method.getAnnotation(OfProfile.class);
        OfProfile part = method.getDeclaringClass().getAnnotation(OfProfile.class);
        return Objects.requireNonNull(own == null ? part : own, () -> method + " is of no profile")
                .value();
    }

    private static String seconds(Duration time) {
        return time.toMillis() % MILLIS == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }

    private static final class Listener implements TestExecutionListener {
        private final Conduct conduct;
        private final Map<String, Long> begun = new HashMap<>();
        private @Nullable Throwable broken;

        Listener(Conduct conduct) {
            this.conduct = conduct;
        }

        @Override
        public void executionStarted(TestIdentifier test) {
            begun.put(test.getUniqueId(), System.nanoTime());
            if (test.isTest()) {
                test.getSource()
                        .flatMap(Kit::method)
                        .ifPresent(method -> conduct.begins()
                                .accept(checked(test, method, null, Duration.ZERO)
                                        .title()));
            }
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            Duration time =
                    Duration.ofNanos(System.nanoTime() - Objects.requireNonNull(begun.remove(test.getUniqueId())));
            Throwable thrown = result.getThrowable().orElse(null);
            Optional<Method> method = test.getSource().flatMap(Kit::method);
            if (method.isEmpty()) {
                if (thrown != null) {
                    broken = thrown;
                }
            } else if (test.isTest() || thrown != null) {
                conduct.results().accept(checked(test, method.get(), thrown, time));
            }
        }

        /** What a listener throws, nobody hears. */
        void rethrow() {
            if (broken != null) {
                throw new IllegalStateException("the tests could not be made: " + broken.getMessage(), broken);
            }
        }

        private Checked checked(TestIdentifier test, Method method, @Nullable Throwable thrown, Duration time) {
            Check check = Objects.requireNonNull(
                    method.getAnnotation(Check.class), () -> method + " says not what it is about");
            boolean isVariant = test.isTest() && method.getParameterCount() > 0;
            return new Checked(
                    method.getName(),
                    isVariant ? variant(test.getDisplayName()) : "",
                    profile(method),
                    List.of(check.calls()),
                    check.otherwise(),
                    switch (thrown) {
                        case null -> Checked.Result.PASSED;
                        case TestAbortedException _ -> Checked.Result.NOT_SUPPORTED;
                        default -> Checked.Result.FAILED;
                    },
                    thrown == null ? "" : why(thrown, time),
                    time);
        }

        /** Names of formats as PVE writes them, and what cannot be printed by its number. */
        private static String variant(String name) {
            StringBuilder printable = new StringBuilder();
            (name.matches("[A-Z0-9]+") ? name.toLowerCase(Locale.ROOT) : name)
                    .codePoints()
                    .forEach(character -> {
                        if (Character.isISOControl(character)) {
                            printable
                                    .append("\\x{")
                                    .append(Integer.toHexString(character))
                                    .append('}');
                        } else {
                            printable.appendCodePoint(character);
                        }
                    });
            return printable.toString();
        }

        private String why(Throwable thrown, Duration time) {
            if (thrown instanceof TimeoutException && time.compareTo(conduct.limit()) >= 0) {
                return "it had not ended after " + seconds(conduct.limit())
                        + ", so it was given up: a call of the plugin hangs";
            }
            String message = thrown.getMessage();
            String words =
                    message == null || message.isBlank() ? thrown.getClass().getSimpleName() : message;
            return words.strip().replaceAll("\\s+", " ");
        }
    }
}
