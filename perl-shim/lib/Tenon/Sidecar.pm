package Tenon::Sidecar;

use v5.36;

use IO::Handle ();
use POSIX ();
use Scalar::Util qw(blessed reftype);

use Tenon::Api;
use Tenon::Base;
use Tenon::Callback;
use Tenon::Cleanup;
use Tenon::Descriptors;
use Tenon::Error;
use Tenon::Frame;
use Tenon::Later;
use Tenon::Lifeline;
use Tenon::Loader;
use Tenon::Names;
use Tenon::Schema;
use Tenon::Section;
use Tenon::Session;

use constant { ORPHANED => 50, LAST_SECONDS => 5 };
use constant CALL_OVER => "\x{1e}tenon-call-over ";

# How many calls of the daemon are over, and how deep in one this is.
my $CALLS = 0;
our $DEPTH = 0;

# What a plugin may change and finds again at its next call.
our $UMASK = umask();

# The kernel's account of this process, and the bytes it had written when somebody last asked.
my $IO;
my $WRITTEN = '';

# What a call of the daemon finds, and what is put back now that a method has left: both by name.
my ($HOME, $BENT);

# What frees the volume that the import under way may leave, if nobody is left who would.
our $FREE_UNFINISHED;

# What the base class of the plugin's PVE can, before it is given what it lacks.
my %ABILITIES;

# The compat layer's way to know the storage that a call is about.
my $SET_SECTION;

sub run ($class, %opt) {

    # What the plugin starts ends with it, also when nobody is left who knows it as a child.
    setpgrp(0, 0);
    $| = 1;
    STDERR->autoflush(1);
    _follow_parent();
    my @outputs = map { _identity($_) } 1, 2;

    my $api = Tenon::Api->load;
    my ($plugin, $err);
    eval { $plugin = _load($api, %opt); 1 } or $err = $@;

    my $facts = { %ABILITIES, role => 'sidecar', pid => $$ + 0, level => $api->newest + 0 };
    if ($plugin) {
        $facts->{plugin} = $plugin;
    } else {
        $facts->{rejected} = Tenon::Frame::printable("$err" =~ s/\s+\z//r);
    }
    my $printed = _end_output(@outputs);
    $facts->{printed} = $printed if defined($printed);
    my $level = $plugin ? $plugin->{level} : undef;
    my $process = $$;
    my $session = Tenon::Session->connect(
        $opt{socket},
        $facts,
        sub ($name, $params, $context) {
            local $DEPTH = $DEPTH + 1;
            my ($result, $done);
            eval {
                $result = _dispatch($api, $plugin->{package}, $level, $name, $params);
                $done = 1;
            };
            my $err = $@;
            _leave_child($done, $err) if $$ != $process;
            if ($DEPTH == 1 && defined(my $end = _end_output(@outputs))) {
                $Tenon::Base::SESSION->notify('printed', $end);
            }
            die $err if !$done;
            return $result;
        },
        \&_tidy,
    );
    $Tenon::Base::SESSION = $session;
    $Tenon::Descriptors::PATH = $session->peer->{descriptors};
    $SET_SECTION = PVE::Storage->can('set_section');
    _reset_signals();
    $BENT = $HOME = _found();
    _tidy();

    # A plugin logs out of its storage in END blocks, so every ordinary end is an exit.
    my $good = eval { $session->serve; 1 };
    return 0 if $good;
    warn $@;
    return 1;
}

# The daemon holds the other end of standard input; when it is gone, also by kill -9, the kernel sends a signal. It is one
# that no plugin ignores, it does not wait for Perl's next statement, and what a plugin does last has a limit, since nobody
# is left who would end this process. The plugin and its children read from /dev/null.
sub _follow_parent () {
    $SIG{TERM} = sub { exit(128 + 15) };
    my $orphaned = sub {
        _end_others();

        # The import that is under way fails now, and then there is more to do than a signal handler may.
        return if $FREE_UNFINISHED;
        exit(128 + 15);
    };
    POSIX::sigaction(ORPHANED, POSIX::SigAction->new($orphaned))
        or die "cannot watch standard input: $!\n";
    Tenon::Lifeline::follow(ORPHANED);
    return;
}

# And this process, if what it does last takes too long.
sub _end_others () {
    alarm(LAST_SECONDS);
    $SIG{ALRM} = 'DEFAULT';
    local $SIG{TERM} = 'IGNORE';
    kill('TERM', -$$);
    return;
}

# A plugin takes the end of a pipe for that of its stream, also if it came because the daemon is gone.
sub _free_unfinished () {
    local $SIG{TERM} = 'IGNORE';
    _end_others();
    1 while waitpid(-1, 0) > 0;
    eval { $FREE_UNFINISHED->(); 1 } or warn "an unfinished volume is left: $@";
    exit(128 + 15);
}

# Asked for before the import begins, since the base class may be answered by the daemon. PVE's base class frees a volume by
# removing its file.
sub _freeing ($package, $params, $section) {
    my ($storeid, $volname) = $params->@{qw(storeid volname)};
    my ($is_base, $format) = (eval { $package->parse_volname($volname) })[5, 6];
    if (Tenon::Loader::overrides($package, 'free_image')) {
        return sub {
            my $left = $package->free_image($storeid, $section, $volname, $is_base, $format);
            $left->() if ref($left) eq 'CODE';
        };
    }
    my $path = eval { ($package->filesystem_path($section, $volname))[0] } // return;
    return sub { !-f $path || unlink($path) or die "$path: $!\n" };
}

# A child that the plugin forked has come back out of its call. The answer is its parent's to give.
sub _leave_child ($done, $err) {
    my $text = $done ? 'it returned from the call' : eval { "$err" } // 'it died';
    warn "a forked child of the plugin did not exit: " . ($text =~ s/\s+\z//r) . "\n";
    STDOUT->flush;
    POSIX::_exit($done ? 0 : 255);
    return;
}

# ---- output

# Tells the log, in the outputs themselves, where those of a call end; the start counts as one. Most calls print nothing,
# which the kernel's count of written bytes shows: the session's socket is not in it, and children are once they are reaped.
sub _end_output (@outputs) {
    IO::Handle::flush(*STDOUT);
    IO::Handle::flush(*STDERR);
    my $number = $CALLS++;
    return undef if !_has_written(); ## no critic (ProhibitExplicitReturnUndef)
    my $mark = CALL_OVER . "$number\n";
    my @marked;
    for my $fd (1, 2) {

        # A plugin that closed its output may have a file of its own there.
        next if _identity($fd) ne $outputs[$fd - 1];
        push @marked, $fd == 1 ? 'stdout' : 'stderr'
            if POSIX::write($fd, $mark, length($mark));
    }
    _has_written();
    return { call => 0 + $number, streams => \@marked };
}

# Where the kernel does not count, every call may have.
sub _has_written () {
    return 1 if !$IO && !open($IO, '<', '/proc/self/io');
    my $counts = '';
    sysseek($IO, 0, 0);
    sysread($IO, $counts, 1000);
    my ($written) = $counts =~ m/wchar: (\d+)/ or return 1;
    return 0 if $written eq $WRITTEN;
    $WRITTEN = $written;
    return 1;
}

sub _identity ($fd) {
    my @stat = POSIX::fstat($fd);
    return @stat ? "$stat[0] $stat[1]" : 'closed';
}

# ---- the plugin

sub _load ($api, %opt) {
    my ($file, $pve_lib) = @opt{qw(plugin pve_lib)};
    my ($path, @packages) = Tenon::Loader::find($file);
    my $pve = Tenon::Loader::load_pve($pve_lib, $path);
    %ABILITIES = Tenon::Names::abilities();
    my $remove_names = Tenon::Names::install();
    if (defined(my $complaint = Tenon::Loader::compile($path))) {
        die "the plugin file '$file' does not compile: $complaint\n";
    }
    my $package = Tenon::Loader::plugin_class(@packages)
        // die
"the plugin file '$file' is no storage plugin: package $packages[0] is not derived from PVE::Storage::Plugin\n";
    die "the plugin $package does not provide an api() method\n" if !$package->can('api');

    my $level =
        eval { $package->api }
        // die "the api() method of the plugin $package failed: "
        . Tenon::Loader::one_line($@ || 'it returned undef') . "\n";
    die "the api() method of the plugin $package returned '"
        . ($level =~ s/[^ -~]/?/gr)
        . "', which is no API version\n"
        if $level !~ m/\A\d+\z/;
    die "the plugin $package implements API version $level, newer than the newest known, "
        . $api->newest . "\n"
        if $level > $api->newest;
    die "the plugin $package implements API version $level, older than the oldest supported, "
        . $api->oldest
        . "; it may work all the same: --accept-old\n"
        if $level < $api->oldest && !$opt{accept_old};

    $remove_names->() if $level < Tenon::Names::came_with();

    my $type =
        eval { $package->type }
        // die "the type() method of the plugin $package failed: "
        . Tenon::Loader::one_line($@ || 'it returned undef') . "\n";

    # As PVE does: its base class looks up there what the plugin declares.
    eval { $package->register; 1 }
        or die "the plugin $package cannot be registered: " . Tenon::Loader::one_line($@) . "\n";
    _init($package) if $pve ne 'compat';
    return {
        file => $path,
        level => $level + 0,
        overrides => [Tenon::Loader::own_methods($package, $level)],
        package => $package,
        pve => $pve,
        type => "$type",
    };
}

# PVE merges what all types declare once they are registered, and knows no option of a type before. The compat layer does
# it when it is first asked. A plugin whose properties do not fit can do everything but check its configuration.
sub _init ($package) {
    eval { PVE::Storage::Plugin->init; 1 }
        or warn "the properties of the plugin $package do not fit those of PVE: "
        . Tenon::Loader::one_line($@) . "\n";
    return;
}

# ---- calls

sub _dispatch ($api, $package, $level, $name, $params) {
    if ($name eq 'claim') {
        return _claim($params->{token});
    } elsif ($name eq 'callback') {
        return Tenon::Callback::run($params);
    }
    my $method = $api->method($name);
    $package->can($name)
        or Tenon::Error->throw('NOT_SUPPORTED', 'NOT_STARTED',
        "$name: neither the plugin $package nor its base class has this method");
    my $has_in_out = $method->{in_out}->@*;
    my $before = $has_in_out ? Tenon::Schema::before($method, $params) : undef;
    my $args = Tenon::Schema::params_from_wire($api, $method, $level, $params);
    my ($storeid, $section) = $params->@{qw(storeid scfg)};
    my @keys = $section ? keys $section->%* : ();
    Tenon::Section::put_back($storeid, $section) if $Tenon::Section::IS_USED && !$has_in_out;

    # What the compat layer answers when a plugin asks for the configuration; it may be inside a lock then.
    $SET_SECTION->($storeid, $section) if $SET_SECTION && $section && defined($storeid);
    my @result;

    # A reader that went away is told by the write that fails; programs that the plugin starts have the usual handler.
    $SIG{PIPE} = sub { }
        if $method->{has_stream};

    # Never longer than the call: what it has answered is somebody's volume.
    local $FREE_UNFINISHED = $params->{was_free} ? _freeing($package, $params, $section) : undef;
    my $err = _call($package, $method, $args, \@result);
    _free_unfinished() if $FREE_UNFINISHED && !$Tenon::Base::SESSION->is_answered;
    $err = _end_stream($name, $err) if $method->{has_stream};
    Tenon::Section::keep($storeid, $section, @keys)
        if !$has_in_out
        && $section
        && ($Tenon::Section::IS_USED || keys $section->%* != @keys);

    if ($err) {
        die $err if !$has_in_out || !blessed($err) || !$err->isa('Tenon::Error');
        my $changed =
            eval { Tenon::Schema::changed_to_wire($api, $method, $level, $before, $args) };
        die $err->with(changed => $changed);
    }
    my $result = Tenon::Schema::result_to_wire($method, \@result, $storeid);
    return $result if !$has_in_out;
    return {
        changed => Tenon::Schema::changed_to_wire($api, $method, $level, $before, $args),
        result => $result,
    };
}

# What a plugin prints may fail only when its handle is closed.
sub _end_stream ($name, $err) {
    my $lost = Tenon::Descriptors::end_call();
    return $err if $err || !defined($lost);
    return Tenon::Error->new(
        'STREAM_BROKEN', 'UNKNOWN',
        "$name: what the plugin wrote to the stream is lost: $lost", origin => 'sidecar'
    );
}

sub _claim ($token) {
    my $code = Tenon::Cleanup::take($token) // Tenon::Error->throw('NOT_FOUND', 'NOT_STARTED',
              'the work '
            . ($token // 'undef')
            . ' is not left: it was claimed before, or the plugin was'
            . ' started anew since');
    return Tenon::Later->start($code);
}

# Setting a handler costs two system calls, so only what a plugin bent is set.
sub _reset_signals () {
    alarm(0);
    for my $signal (qw(ALRM CHLD HUP INT PIPE)) {
        $SIG{$signal} = 'DEFAULT' if ($SIG{$signal} || 'DEFAULT') ne 'DEFAULT';
    }
    return;
}

# A plugin may have handlers of its own since it was loaded; those stay.
sub _found () {
    return { %ENV{qw(PATH LC_ALL)}, %SIG{qw(__DIE__ __WARN__)} };
}

sub _put ($hash, $name, $value) {
    if (defined($value)) {
        $hash->{$name} = $value;
    } else {
        delete $hash->{$name};
    }
    return;
}

# What an answer can be sent without is put back after it, when nobody waits any more.
sub _tidy () {
    my $found = $BENT // return;
    $BENT = undef;
    _put(\%ENV, PATH => $found->{PATH}) if ($ENV{PATH} // '') ne ($found->{PATH} // '');
    _put(\%ENV, LC_ALL => $found->{LC_ALL}) if ($ENV{LC_ALL} // '') ne ($found->{LC_ALL} // '');
    umask($UMASK);
    select(STDOUT);
    chdir('/') or warn "the plugin's process cannot change to the directory '/': $!\n";
    return;
}

# Puts what the plugin returned into the list, or returns the error that it died with.
sub _call ($package, $method, $args, $result) {
    my $name = $method->{name};
    my $context = $method->{context};
    my ($err, $done);

    # A nested call belongs to a method that waits for it, and whose alarm and handlers must stay.
    my $is_outermost = $DEPTH <= 1;
    my $found = $is_outermost ? $HOME : _found();
    {
        local ($@, $_); # not $?, which is the exit status while a plugin leaves with exit
        local ($/, $\, $,) = ("\n", undef, undef);
        local $UMASK = $method->{umask} ? $UMASK | oct($method->{umask}) : $UMASK;
        umask($UMASK) if $method->{umask};

        # Success is told by the last statement: a plugin may clear or set $@ in a destructor.
        eval {
            # A block that a plugin's stray 'next' or 'last' leaves, instead of the loop that serves.
            {
                if ($context eq 'list') {
                    $result->@* = $package->$name($args->@*);
                } elsif ($context eq 'scalar') {
                    $result->[0] = $package->$name($args->@*);
                } else {
                    $package->$name($args->@*);
                }
                $done = 1;
            }
        };
        $err = $@ if !$done;
        my ($on_die, $on_warn) = $found->@{qw(__DIE__ __WARN__)};
        _put(\%SIG, __DIE__ => $on_die) if ($SIG{__DIE__} // '') ne ($on_die // '');
        _put(\%SIG, __WARN__ => $on_warn) if ($SIG{__WARN__} // '') ne ($on_warn // '');
        _reset_signals() if $is_outermost;
    }
    $BENT = $found;
    return $done ? undef : _died($err, Tenon::Loader::overrides($package, $name));
}

# An error of the base class tells what the base class did, which is not all if the plugin's own method called it.
sub _died ($err, $is_own) {
    if (blessed($err) && $err->isa('Tenon::Error')) {
        return $is_own ? $err->unknown : $err;
    }
    my $fields =
        eval { (reftype($err) // '') eq 'HASH' ? Tenon::Schema::tree({ $err->%* }) : undef };
    return Tenon::Error->of_plugin(Tenon::Error::text_of($err), exception => $fields);
}

1;

__END__

=head1 NAME

Tenon::Sidecar - the process that hosts one Perl plugin

=head1 SYNOPSIS

    exit(Tenon::Sidecar->run(socket => $path, plugin => $file, pve_lib => $dir));

=head1 DESCRIPTION

Started by Tenon's daemon. Loads one plugin file, unmodified, connects to the daemon's socket, tells what it loaded and
answers calls, one at a time, until the daemon closes the connection or is gone. What the plugin calls of PVE comes from
C<pve_lib>, else from an installed PVE, else from the compat layer.

Around each call it keeps what a plugin may bend: the signal handlers, the current directory, umask, PATH, the output
handle and its separators; some of it only once the answer is sent. It calls a method in the context in which PVE calls
it, with exactly the arguments of the level that the plugin declares.

=head1 METHODS

=head2 run

    my $status = Tenon::Sidecar->run(%opt);

C<socket> and C<plugin> are paths; C<pve_lib> is a directory with PVE's own Perl libraries, undef for none. With
C<accept_old> a plugin of a level that no host of today loads is hosted, too, in the words of its level. A plugin that
cannot be hosted is told to the daemon as C<rejected>, in one sentence with Perl's own complaint. Returns the exit status.

=cut
