*** Settings ***
Documentation     Bring a certificate file to the box and have the lines of a file committed.
...               The password is in SSHPASS, and the rest comes by variables:
...               robot -v HOST:127.0.0.1 -v CLI_PORT:10022 -v SFTP_PORT:12024 -v FILE:new.p12 -v LINES:renewal.cli rotate.robot
Library           SSHLibrary    timeout=20s    newline=CR
Library           OperatingSystem
Library           String
Suite Teardown    Close All Connections

*** Test Cases ***
The File Is Brought To The Box
    Open Connection    ${HOST}    port=${SFTP_PORT}
    Login    admin    %{SSHPASS}
    Put File    ${FILE}    /opt/sonus/external/

The Lines Are Committed
    Open Connection    ${HOST}    port=${CLI_PORT}    prompt=REGEXP:admin@[\\w.-]+[>%] $
    Login    admin    %{SSHPASS}
    Type    configure
    ${text}=    OperatingSystem.Get File    ${LINES}
    @{lines}=    Split To Lines    ${text}
    FOR    ${line}    IN    @{lines}
        Type    ${line}
    END
    ${answer}=    Type    commit
    Should Contain    ${answer}    Commit complete.
    Type    exit
    Write    exit

*** Keywords ***
Type
    [Arguments]    ${line}
    Write    ${line}
    ${answer}=    Read Until Prompt
    Should Contain    ${answer}    [ok]
    RETURN    ${answer}
