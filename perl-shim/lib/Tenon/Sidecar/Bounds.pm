package Tenon::Sidecar::Bounds;

use v5.36;

sub new ($class) {
    return bless {}, $class;
}

# Setting a handler costs two system calls, so only what a plugin changed is set.
sub reset_signals ($self) {
    alarm(0);
    for my $signal (qw(ALRM CHLD HUP INT PIPE)) {
        $SIG{$signal} = 'DEFAULT' if ($SIG{$signal} || 'DEFAULT') ne 'DEFAULT';
    }
    return;
}

# A plugin may have handlers of its own since it was loaded; those stay.
sub _found () {
    return { %ENV{qw(PATH LC_ALL)}, %SIG{qw(__DIE__ __WARN__)}, umask => umask() };
}

sub _put ($hash, $name, $value) {
    if (defined($value)) {
        $hash->{$name} = $value;
    } else {
        delete $hash->{$name};
    }
    return;
}

sub settle ($self) {
    $self->reset_signals;
    $self->{bent} = $self->{home} = _found();
    $self->tidy;
    return;
}

# A nested call belongs to a method that waits for it, and finds that method's changes, but not those of other nested calls.
sub around ($self, $is_outermost, $umask, $code) {
    my ($err, $done);
    my $found = $is_outermost ? $self->{home} : _found();
    {
        local ($@, $_); # not $?, which is the exit status while a plugin leaves with exit
        local ($/, $\, $,) = ("\n", undef, undef);
        umask($found->{umask} | oct($umask)) if defined($umask);

        # The last statement shows success: a plugin may clear or set $@ in a destructor.
        eval {
            # A block that a plugin's stray 'next' or 'last' leaves, instead of the loop that serves.
            {
                $code->();
                $done = 1;
            }
        };
        $err = $@ if !$done;
        my ($on_die, $on_warn) = $found->@{qw(__DIE__ __WARN__)};
        _put(\%SIG, __DIE__ => $on_die) if ($SIG{__DIE__} // '') ne ($on_die // '');
        _put(\%SIG, __WARN__ => $on_warn) if ($SIG{__WARN__} // '') ne ($on_warn // '');
    }
    if ($is_outermost) {
        $self->reset_signals;
        $self->{bent} = $found;
    } else {
        _put_back($found);
    }
    return ($done, $err);
}

sub _put_back ($found) {
    _put(\%ENV, PATH => $found->{PATH}) if ($ENV{PATH} // '') ne ($found->{PATH} // '');
    _put(\%ENV, LC_ALL => $found->{LC_ALL}) if ($ENV{LC_ALL} // '') ne ($found->{LC_ALL} // '');
    umask($found->{umask});
    return;
}

# What is not needed to send the answer is put back afterwards, when nobody waits any more.
sub tidy ($self) {
    my $found = delete $self->{bent} // return;
    _put_back($found);
    select(STDOUT);
    chdir('/') or warn "the plugin's process cannot change to the directory '/': $!\n";
    return;
}

1;

__END__

=head1 NAME

Tenon::Sidecar::Bounds - resets what a plugin changes in its process before its next call

=head1 SYNOPSIS

    my $bounds = Tenon::Sidecar::Bounds->new;
    $bounds->settle;
    my ($done, $err) = $bounds->around(1, undef, sub { @result = $class->status(@args) });
    ...
    $bounds->tidy;

=head1 DESCRIPTION

In PVE a method is called in a process that goes on with something else. So signal handlers, the alarm, the current
directory, umask, PATH, the locale, the selected output handle and its separators are put back after each call; some of it
only once the answer is sent. A call inside another, which in PVE is one method calling another, leaves the signal handlers,
the alarm, the current directory and the selected handle as they are.

=head1 METHODS

=head2 new

    my $bounds = Tenon::Sidecar::Bounds->new;

=head2 settle

Before the first call: its calls find what the plugin set when it was loaded, except signal handlers.

=head2 around

    my ($done, $err) = $bounds->around($is_outermost, $umask, $code);

Runs the code. C<$umask> is octal text for further permissions that this call must not give, undef for none. Returns whether
it came to its end, and what it died with otherwise.

=head2 tidy

After the answer was sent.

=head2 reset_signals

Gives the signals that Perl programs use their usual handlers, and stops the alarm.

=cut
