package Tenon::Sidecar::Member;

use v5.36;

use IO::Handle ();
use POSIX ();
use Scalar::Util qw(blessed reftype);

use Tenon::Backup::BitmapIds;
use Tenon::Backup::Hosted;
use Tenon::Base;
use Tenon::Callback;
use Tenon::Cleanup;
use Tenon::Descriptors;
use Tenon::Error;
use Tenon::Frame;
use Tenon::Later;
use Tenon::Loader;
use Tenon::Schema;
use Tenon::Section;
use Tenon::Session;
use Tenon::Sidecar::Bounds;
use Tenon::Sidecar::Orphan;

# How deep in calls of the daemon this is, and for whom the outermost is.
our $DEPTH = 0;
our $CALLER;

sub new ($class, $api, $plugin) {
    return bless {
        api => $api,
        bounds => Tenon::Sidecar::Bounds->new,
        package => $plugin->package,
        level => $plugin->level,
        pid => $$,

        # The compat layer's way to know the storage that a call is about.
        set_section => PVE::Storage->can('set_section'),
    }, $class;
}

sub serve ($self, $socket, $facts) {
    my $session = $self->{session} = Tenon::Session->connect(
        $socket, $facts,
        sub { return $self->_answer(@_) },
        sub { delete $self->{answered}; return $self->{bounds}->tidy },
    );
    $self->{note} = sub ($text) { return $session->notify('note', { text => $text }) };
    $Tenon::Base::SESSION = $session;
    $Tenon::Descriptors::PATH = $session->peer->{descriptors};
    $self->{bounds}->settle;

    # A plugin logs out of its storage in END blocks, so every ordinary end is an exit.
    my $good = eval { $session->serve; 1 };
    return 0 if $good;
    warn $@;
    return 1;
}

sub _answer ($self, $name, $params, $context) {
    local $DEPTH = $DEPTH + 1;
    local $CALLER = $context->{caller} // $CALLER;
    my ($result, $done);
    eval {
        $result = $self->_dispatch($name, $params);
        $done = 1;
    };
    my $err = $@;
    _leave_child($done, $err) if $$ != $self->{pid};

    # What a call prints is there before its answer is.
    if ($DEPTH == 1) {
        IO::Handle::flush(*STDOUT);
        IO::Handle::flush(*STDERR);
    }
    die $err if !$done;
    return $result;
}

# A child that the plugin forked has returned from the call. Only its parent may answer.
sub _leave_child ($done, $err) {
    my $text = $done ? 'it returned from the call' : eval { "$err" } // 'it died';
    warn "a forked child of the plugin did not exit: " . ($text =~ s/\s+\z//r) . "\n";
    STDOUT->flush;
    POSIX::_exit($done ? 0 : 255);
    return;
}

sub _dispatch ($self, $name, $params) {
    if ($name eq 'claim') {
        return _claim($params->{token});
    } elsif ($name eq 'callback') {
        return Tenon::Callback::run($params);
    }
    my ($api, $package, $level) = $self->@{qw(api package level)};
    return $self->_call_provider($name, $params) if Tenon::Backup::Hosted::is_method($name);
    my $method = $api->method($name);
    $package->can($name)
        or Tenon::Error->throw('NOT_SUPPORTED', 'NOT_STARTED',
        "$name: neither the plugin $package nor its base class has this method");
    my $has_in_out = $method->{in_out}->@*;
    my $before = $has_in_out ? Tenon::Schema::before($method, $params) : undef;
    my $args = Tenon::Schema::params_from_wire($api, $method, $level, $params);
    $args->[-1] = Tenon::Backup::Hosted::log_function($args->[-1])
        if ($method->{result}->{kind} // '') eq 'provider';
    my ($storeid, $section) = $params->@{qw(storeid scfg)};
    my @keys = $section ? keys $section->%* : ();
    Tenon::Section::put_back($CALLER, $storeid, $section)
        if $Tenon::Section::IS_USED && !$has_in_out;

    # What the compat layer answers when a plugin asks for the configuration; it may be inside a lock then.
    $self->{set_section}->($storeid, $section)
        if $self->{set_section} && $section && defined($storeid);
    my @result;

    # A write that fails tells of a reader that went away; programs that the plugin starts have the usual handler.
    $SIG{PIPE} = sub { }
        if $method->{has_stream};

    # Not longer than the call: after the answer the volume belongs to somebody.
    local $Tenon::Sidecar::Orphan::FREE_UNFINISHED =
        $params->{was_free} ? Tenon::Sidecar::Orphan::freeing($package, $params, $section) : undef;
    my $err = $self->_call($method, $args, \@result);
    Tenon::Sidecar::Orphan::free_unfinished()
        if $Tenon::Sidecar::Orphan::FREE_UNFINISHED && !$self->{session}->is_answered;
    $err = _end_stream($name, $err) if $method->{has_stream};
    Tenon::Section::keep($CALLER, $storeid, $section, @keys)
        if !$has_in_out
        && $section
        && ($Tenon::Section::IS_USED || keys $section->%* != @keys);

    if ($err) {
        die $err if !$has_in_out || !blessed($err) || !$err->isa('Tenon::Error');
        my $changed =
            eval { Tenon::Schema::changed_to_wire($api, $method, $level, $before, $args) };
        die $err->with(changed => $changed);
    }
    Tenon::Backup::BitmapIds->new($storeid)->forget
        if $name eq 'on_delete_hook' && defined($storeid);

    # What Tenon leaves out of an answer goes to the log, not into the plugin's output.
    local $Tenon::Schema::TELL = $self->{note};
    my $result = Tenon::Schema::result_to_wire($method, \@result, $storeid, !$has_in_out);

    # To free a long list takes a while, and nobody need wait for that.
    $self->{answered} = \@result if ref($result) eq Tenon::Frame::PACKED;
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

sub _call_provider ($self, $name, $params) {
    my $result = Tenon::Backup::Hosted::answer(
        $name, $params,
        sub ($code) {
            my ($done, $err) = $self->{bounds}->around($DEPTH <= 1, undef, $code);
            return $done ? 1 : (0, _died($err, 1));
        },
    );
    my $lost = Tenon::Descriptors::end_call();
    warn "$name: a disk could not be closed: $lost\n" if defined($lost);
    return $result;
}

# Puts what the plugin returned into the list, or returns the error that it died with.
sub _call ($self, $method, $args, $result) {
    my ($package, $name, $context) = ($self->{package}, $method->@{qw(name context)});
    my ($done, $err) = $self->{bounds}->around(
        $DEPTH <= 1,
        $method->{umask},
        sub {
            if ($context eq 'list') {
                $result->@* = $package->$name($args->@*);
            } elsif ($context eq 'scalar') {
                $result->[0] = $package->$name($args->@*);
            } else {
                $package->$name($args->@*);
            }
        },
    );
    return undef if $done; ## no critic (ProhibitExplicitReturnUndef)
    my $died = _died($err, Tenon::Loader::overrides($package, $name));
    return $method->{pure} ? $died->refusal($method->{refusal}) : $died;
}

# The outcome of a base class error covers only the base class, but the plugin's own method that called it may have done
# more.
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

Tenon::Sidecar::Member - a process that makes the calls of a plugin, one at a time

=head1 SYNOPSIS

    exit(Tenon::Sidecar::Member->new($api, $plugin)->serve($socket, \%facts));

=head1 DESCRIPTION

Has a connection of its own to the daemon. It calls a method in the context in which PVE calls it, with exactly the arguments
of the level that the plugin declares; L<Tenon::Sidecar::Bounds> resets what a plugin changes, around each call. What a
plugin leaves in C<$scfg> is there again at the next call for the same process of a host; the context of a call names it as
C<caller>. A code ref that C<free_image> returns stays here until it is claimed; its work is done in a fork.

=head1 METHODS

=head2 new

    my $member = Tenon::Sidecar::Member->new($api, $plugin);

In the process that is to be the member: with a L<Tenon::Api> and a L<Tenon::Sidecar::Plugin> that this process, or the one
that it was forked from, has loaded.

=head2 serve

    my $status = $member->serve($socket, \%facts);

Connects, says hello with these facts, and answers calls until the daemon closes the connection or is gone. Returns the exit
status.

=cut
